/** A job's events, from its server-sent event stream. The browser resumes a broken stream by itself (Last-Event-ID). */

import { cancelJob, eventsAddress, getJob } from "./api.js";

const LAST = ["done", "failed", "cancelled"];
const MAX_RETRIES = 2; // of the browser, about 3 s apart, before the page says that the server is away

/**
 * Follows a job until it ends.
 * @param {string} job
 * @param {Object<string, (data: Object) => void>} handlers by event; `failed` is also called with {error} if the stream
 *   cannot be read.
 * @returns {{close: () => void, cancel: () => Promise}} `close` stops listening, `cancel` also ends the job.
 */
export function followJob(job, handlers) {
  const stream = new EventSource(eventsAddress(job));
  let over = false;
  let retries = 0;
  const close = () => {
    over = true;
    stream.close();
  };
  const finish = (name, data) => {
    if (over) return;
    close();
    handlers[name]?.(data);
  };
  for (const name of new Set([...Object.keys(handlers), ...LAST])) {
    stream.addEventListener(name, (event) => {
      const data = event.data ? JSON.parse(event.data) : {};
      if (LAST.includes(name)) finish(name, data);
      else handlers[name](data);
    });
  }
  stream.onopen = () => (retries = 0);
  stream.onerror = async () => {
    retries += 1;
    // a stream that is closed does not come back
    if (over || (stream.readyState !== EventSource.CLOSED && retries <= MAX_RETRIES)) return;
    finish("failed", { error: await reason(job) });
  };
  return { close, cancel: () => cancelJob(job) };
}

async function reason(job) {
  try {
    const { state, error } = await getJob(job);
    return error ?? `The connection closed while the job was ${state}. Try again.`;
  } catch (error) {
    return error.message;
  }
}
