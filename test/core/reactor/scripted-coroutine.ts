/** A coroutine whose body is a generator function of the test. */
import { type CoroutineBody, CoroutineTask } from '@finch/core/reactor/coroutine-task';
import type { TaskThread } from '@finch/core/reactor/task-thread';

export class ScriptedCoroutine extends CoroutineTask {
  deletions = 0;

  constructor(
    thread: TaskThread,
    readonly script: (task: ScriptedCoroutine) => CoroutineBody,
  ) {
    super(thread);
  }

  protected body(): CoroutineBody {
    return this.script(this);
  }

  protected override onDeleted(): void {
    this.deletions++;
  }
}
