import type { Socket } from 'node:net';

/** A connection to the agent. */
export interface Connection {
  readonly socket: Socket;
  /** Whether a request of it is being answered. */
  isBusy: boolean;
  /** When it was opened or last asked something: the smaller, the longer ago. */
  lastAsked: number;
}

/** The connections of an agent. */
export interface Connections {
  open(socket: Socket): Connection;
  /** Notes that something was asked just now. */
  asked(connection: Connection): void;
  closeAll(): void;
}

/** Where there are `most` connections, the one that has been idle for longest gives way to the next; busy ones all wait. */
export function createConnections(most: number): Connections {
  const open = new Set<Connection>();
  let count = 0;
  const makeRoom = () => {
    const idle = [...open].filter(({ isBusy }) => !isBusy);
    const [first] = idle.sort((a, b) => a.lastAsked - b.lastAsked);
    if (first === undefined) return;
    open.delete(first);
    first.socket.destroy();
  };
  return {
    open: (socket) => {
      if (open.size >= most) makeRoom();
      const connection: Connection = { socket, isBusy: false, lastAsked: ++count };
      open.add(connection);
      socket.once('close', () => open.delete(connection));
      return connection;
    },
    asked: (connection) => {
      connection.lastAsked = ++count;
    },
    closeAll: () => {
      for (const { socket } of open) socket.destroy();
    },
  };
}
