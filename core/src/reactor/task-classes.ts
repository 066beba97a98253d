/**
 * Numbers for the classes of tasks, so that a statistics page can name the task that runs. Used by TaskThread.
 * Rule: a class of a module gets its number once per thread, and 0 means no task.
 */

/** Who wrote a task: its class and the module that made it. */
export interface TaskClass {
  /** 1 and up, in the order of first appearance on the thread. */
  readonly classId: number;
  readonly className: string;
  /** '' when the task belongs to no module. */
  readonly moduleName: string;
}

/** The classes of one thread. */
export class TaskClasses {
  readonly #classes: TaskClass[] = [];
  readonly #byConstructor = new Map<object, Map<string, TaskClass>>();

  /** Calls `onTaskClass` once for every class, on its first task. */
  constructor(readonly onTaskClass?: (classId: number, className: string, moduleName: string) => void) {}

  /** The class of `task`, numbered now if it is new. */
  of(task: object, moduleName: string): TaskClass {
    const known = this.#byConstructor.get(task.constructor)?.get(moduleName);
    return known ?? this.#number(task.constructor, moduleName);
  }

  /** The class with that number, if there is one. */
  find(classId: number): TaskClass | undefined {
    return this.#classes[classId - 1];
  }

  #number(maker: { readonly name: string } & object, moduleName: string): TaskClass {
    const taskClass = { classId: this.#classes.length + 1, className: maker.name, moduleName };
    this.#classes.push(taskClass);
    const byModule = this.#byConstructor.get(maker) ?? new Map<string, TaskClass>();
    this.#byConstructor.set(maker, byModule.set(moduleName, taskClass));
    this.onTaskClass?.(taskClass.classId, taskClass.className, moduleName);
    return taskClass;
  }
}
