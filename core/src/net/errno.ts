/** The errors of Linux system calls that the server tells apart. The addon returns them negated. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EBADF: 9,
  EAGAIN: 11,
  EACCES: 13,
  EFAULT: 14,
  ENFILE: 23,
  EMFILE: 24,
  EISDIR: 21,
  EINVAL: 22,
  EPIPE: 32,
  EPROTO: 71,
  EMSGSIZE: 90,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOMEM: 12,
} as const;

const NAMES = new Map<number, string>(Object.entries(Errno).map(([name, code]) => [code, name]));

/** Names the error of a negative result: "EADDRINUSE", or "errno 71" for one that is not in the table. */
export function errnoName(result: number): string {
  return NAMES.get(Math.abs(result)) ?? `errno ${Math.abs(result)}`;
}
