/**
 * The job by which a task thread has a packet plan made on a blocking thread, and the RTP module that handles it there.
 * Reading the frames also brings them into the page cache, just before they are sent. Rule: the file is read by position
 * through a descriptor that its owner keeps open as long as any session holds the presentation.
 */
import { readSync } from 'node:fs';
import { type BlockingThreadHost, MediaError, type Module } from '@finch/core';
import { buildPlan, type PlanDamage, type PlanRequest } from './plan-job';

/** Name of the job. */
export const PLAN_JOB = 'rtp.plan';

/** What the job takes; its result is the plan's memory. */
export interface PlanJobArgument {
  readonly fd: number;
  /** What log lines call the file. */
  readonly path: string;
  readonly request: PlanRequest;
}

// One buffer for all reads of the thread: nothing read outlives the next read, and fresh buffers of a megabyte would pile up
// until the collector of this idle heap cares to run.
let scratchBytes: Uint8Array = new Uint8Array(0);

function scratch(length: number): Uint8Array {
  if (length > scratchBytes.length) scratchBytes = new Uint8Array(length);
  return scratchBytes.subarray(0, length);
}

function makePlan({ fd, path, request }: PlanJobArgument, host: BlockingThreadHost): SharedArrayBuffer {
  const damage: PlanDamage = { damagedFrames: 0, droppedElements: 0 };
  const memory = buildPlan(
    request,
    (position, length) => {
      const bytes = scratch(length);
      const got = readSync(fd, bytes, 0, length, position);
      if (got < length) throw new MediaError('gone', `${path}: was truncated while it played`);
      return bytes;
    },
    damage,
  );
  if (damage.damagedFrames > 0 || damage.droppedElements > 0) {
    const { firstFrame, frameCount } = request;
    host.log.warn(
      `${path}: ${damage.damagedFrames} damaged frames in ${firstFrame}..${firstFrame + frameCount - 1} are sent in part or not at all`,
    );
  }
  return memory;
}

/** The RTP module: plans on blocking threads. Sessions are made by the protocols that set them up. */
export const finchModule: Module = {
  name: 'rtp',
  onBlockingThread(host) {
    host.handle(PLAN_JOB, (argument: PlanJobArgument) => makePlan(argument, host));
  },
};
