/** Who needs whom: each name with the names it points at. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The groups of names each of which can be reached from every other one of its group: with two or more, they are a
 * circle. Source: Tarjan, "Depth-first search and linear graph algorithms" (1972).
 */
export function circlesOf(graph: Graph): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const circles: string[][] = [];
  const visit = (name: string): number => {
    const own = order.size;
    order.set(name, own);
    path.push(name);
    let low = own;
    for (const next of graph.get(name) ?? []) {
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (path.includes(next)) low = Math.min(low, order.get(next)!);
    }
    lowest.set(name, low);
    if (low === own) {
      const circle = path.splice(path.indexOf(name));
      if (circle.length > 1 || graph.get(name)?.has(name) === true) circles.push(circle.sort());
    }
    return low;
  };
  for (const name of graph.keys()) if (!order.has(name)) visit(name);
  return circles.sort((a, b) => a[0]!.localeCompare(b[0]!));
}

/** The same graph between groups of names; what stays inside one group is left out. */
export function between(graph: Graph, groupOf: (name: string) => string): Graph {
  const groups = new Map<string, Set<string>>();
  for (const [name, targets] of graph) {
    const from = groupOf(name);
    const into = groups.get(from) ?? new Set();
    groups.set(from, into);
    for (const target of targets) if (groupOf(target) !== from) into.add(groupOf(target));
  }
  return groups;
}
