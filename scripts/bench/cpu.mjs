// Time on a processor, as Linux counts it: the same whatever else the machine does, unlike time on a clock.
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds that all threads of a process have had; needs Linux. */
export function cpuOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const sum = threads.reduce((total, thread) => total + nanoseconds(`/proc/${pid}/task/${thread}`), 0);
  return sum / 1e6;
}

/** The same of a process and all that it started, also of what has ended since. */
export function cpuOfFamily(pid) {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
  const ended = fieldsOf(pid);
  return [pid, ...children].reduce(
    (total, each) => total + safely(() => cpuOf(each)),
    10 * (ended[13] + ended[14]),
  );
}

function nanoseconds(folder) {
  return safely(() => Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]));
}

function parentOf(pid) {
  return safely(() => fieldsOf(pid)[1]);
}

/** From the third on, as numbers where they are. Source: proc(5), /proc/pid/stat. */
function fieldsOf(pid) {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').map(Number);
}

/** A thread that has ended meanwhile counts as nothing. */
function safely(read) {
  try {
    return read();
  } catch {
    return 0;
  }
}
