/** One run of a model over a song: starts a tag job, follows it, and keeps its taggram. */

import { startJob } from "./api.js";
import { followJob } from "./events.js";
import { Taggram } from "./taggram.js";

/**
 * @param {{source: string, model: string, hop_seconds?: number, aggregate?: string}} request
 * @param {Object} on `start(taggram)`, `chunks(taggram)`, `progress({done, total})`, then one of `done(taggram, data)`,
 *   `failed(error)` and `cancelled()`
 * @returns {{cancel: () => void, drop: () => void}} `drop` cancels the job and calls nothing any more
 */
export function runTagJob(request, on) {
  let follower = null;
  let dropped = false;
  let wanted = true;
  let taggram = null;

  const handlers = {
    start(data) {
      taggram = new Taggram(data);
      on.start(taggram, data);
    },
    chunks(data) {
      taggram.add(data);
      on.chunks(taggram);
    },
    progress: (data) => on.progress(data),
    done(data) {
      taggram.finish(data);
      on.done(taggram, data);
    },
    failed: (data) => on.failed(new Error(data.error)),
    cancelled: () => on.cancelled(),
  };

  startJob({ kind: "tag", ...request })
    .then(({ job }) => {
      follower = followJob(job, handlers);
      if (!wanted) stop();
    })
    .catch((error) => !dropped && on.failed(error));

  function stop() {
    // a job that has just ended cannot be cancelled, which is as good
    follower?.cancel().catch(() => {});
    if (dropped) follower?.close();
  }

  return {
    cancel() {
      wanted = false;
      stop();
    },
    drop() {
      dropped = true;
      wanted = false;
      stop();
    },
  };
}
