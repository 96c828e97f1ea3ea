/** The server's REST interface: one function per route. Every failure is an `ApiError` with a sentence to show. */

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

const AWAY = "The server does not answer. Check that keras-musictag serve is still running, then try again.";

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(AWAY, 0);
  }
  return answer(response.status, await response.text(), response.headers.get("Retry-After"));
}

function answer(status, text, retryAfter) {
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    // a proxy's error page, for example
  }
  if (status >= 200 && status < 300) return body;
  const sentence = body?.error ?? `The server answered with status ${status}.`;
  throw new ApiError(retryAfter ? `${sentence} Try again in ${retryAfter} s.` : sentence, status);
}

const post = (path, body) =>
  request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const once = {};

/** These do not change while the server runs, so each is asked for once; a failure is not kept. */
function cached(path) {
  once[path] ??= request(path).catch((error) => {
    delete once[path];
    throw error;
  });
  return once[path];
}

const id = encodeURIComponent;
export const getModels = () => cached("api/models");
export const getSources = () => cached("api/sources");
export const getComparison = (comparison) =>
  request(`api/comparison${comparison ? `?comparison=${id(comparison)}` : ""}`);
export const getLibrary = () => cached("api/library");
export const getSource = (source) => request(`api/sources/${id(source)}`);
export const getPeaks = (source, points) => request(`api/sources/${id(source)}/peaks?points=${points}`);
export const soundAddress = (source) => `api/sources/${id(source)}/sound`;
export const startJob = (job) => post("api/jobs", job);
export const cancelJob = (job) => request(`api/jobs/${id(job)}`, { method: "DELETE" });
export const getJob = (job) => request(`api/jobs/${id(job)}`);
export const eventsAddress = (job) => `api/jobs/${id(job)}/events`;
export const getRecords = () => request("api/records");
export const getReports = () => request("api/reports");
export const getReport = (report) => request(`api/reports/${id(report)}`);
export const getTrack = (number) => request(`api/library/tracks/${id(number)}`);

export function searchLibrary(parameters, signal) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value !== null));
  return request(`api/library/search?${query}`, { signal });
}

export function openSession(token) {
  return request("api/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
}

/**
 * Sends a file. XMLHttpRequest, because fetch does not report how much was sent.
 * @param {File} file
 * @param {(share: number) => void} onProgress share sent, from 0 to 1
 * @param {AbortSignal} signal
 */
export function uploadFile(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const body = new FormData();
    body.append("file", file, file.name);
    const xhr = new XMLHttpRequest();
    xhr.open("POST", "api/sources");
    xhr.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    xhr.onload = () => {
      try {
        resolve(answer(xhr.status, xhr.responseText, xhr.getResponseHeader("Retry-After")));
      } catch (error) {
        reject(error);
      }
    };
    // a server that refuses a large file may close the connection before it has read it
    xhr.onerror = () =>
      reject(new ApiError(`${file.name} was not accepted: the connection closed. The file may be too large, or the server has ended.`, 0));
    xhr.onabort = () => reject(new DOMException("The upload was cancelled.", "AbortError"));
    signal?.addEventListener("abort", () => xhr.abort());
    xhr.send(body);
  });
}
