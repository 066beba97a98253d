/**
 * A descriptor in the event thread's care: armed by a task, heard as a signal of that task.
 * Rule: whoever opened the context ends it, once: close(), and the event thread closes the descriptor after it has left
 * epoll, or release(), and the descriptor lives on.
 * Thread: the task's own.
 */
import { native } from '@finch/native';
import { errnoName } from '../net/errno';
import { type Armable, kReadable, kWritable, TaskEvent } from './events';
import type { TaskRef } from './task-ref';

/** A descriptor in the event thread's care; see the head of this file. */
export class EventContext implements Armable {
  #id: number;
  #wanted = 0;

  /** Takes over `fd`; readiness is signalled to `task`. Throws when the event thread refuses it (fd stays the caller's). */
  constructor(
    readonly fd: number,
    task: TaskRef,
  ) {
    this.#id = native.contextOpen(fd, task);
    if (this.#id < 0) throw new Error(`the event thread refused descriptor ${fd}: ${errnoName(this.#id)}`);
  }

  /** Asks for one signal when the descriptor becomes readable (1), writable (2) or either; adds to what is asked already. */
  arm(mask: number): void {
    if ((this.#wanted & mask) === mask) return;
    this.#wanted |= mask;
    native.contextArm(this.#id, this.#wanted);
  }

  /**
   * Tells the context which events its task was just given. The kernel's interest is one-shot and for both directions,
   * so what was asked for and has not come is asked for again.
   */
  delivered(events: number): void {
    const fired = (events & TaskEvent.read ? kReadable : 0) | (events & TaskEvent.write ? kWritable : 0);
    if ((this.#wanted & fired) === 0) return;
    this.#wanted &= ~fired;
    if (this.#wanted !== 0) native.contextArm(this.#id, this.#wanted);
  }

  get isOpen(): boolean {
    return this.#id >= 0;
  }

  /** Gives the descriptor back to the caller, open and unwatched. Error when the context is closed. */
  release(): number {
    const fd = native.contextRelease(this.#id);
    if (fd < 0) throw new Error(`the event thread gave no descriptor back: ${errnoName(fd)}`);
    this.#id = -1;
    return fd;
  }

  /** Gives the descriptor up; a second call does nothing. */
  close(): void {
    if (this.#id < 0) return;
    native.contextClose(this.#id);
    this.#id = -1;
  }
}
