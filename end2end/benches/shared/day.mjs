// Time as the page is told it while it soaks: an EventSource, a clock and timers that run as fast as the page can.

/**
 * Runs in the page before anything of its own, and leaves `window.day`.
 * @param {{ lines: string[], hello: string }} options the samples of a recording, and the stream's greeting
 */
export function playDay({ lines, hello }) {
  const LOST_EVERY = 3_600;
  const began = Date.now();
  let [now, played] = [began, 0];
  Date.now = () => now;

  /** @type {{ call: () => void, every: number, due: number }[]} */
  const timers = [];
  // Only the page's own are timed by the clock above; nobody clears them.
  Object.assign(window, {
    setInterval: (/** @type {() => void} */ call, /** @type {number} */ every) => timers.push({ call, every, due: now + every }),
  });

  // A picture a tick, whether or not the browser has time to show it.
  /** @type {FrameRequestCallback[]} */
  const frames = [];
  Object.assign(window, { requestAnimationFrame: (/** @type {FrameRequestCallback} */ draw) => frames.push(draw) });

  /** @type {Recorded | undefined} */
  let source;
  class Recorded extends EventTarget {
    /** @param {string} url */
    constructor(url) {
      super();
      this.readyState = 0;
      /** @type {(() => void) | null} */
      this.onopen = null;
      /** @type {(() => void) | null} */
      this.onerror = null;
      const last = /last_event_id=(\d+)-(\d+)/.exec(url);
      this.era = last?.[1] ?? "0";
      this.next = Number(last?.[2] ?? 1000 * Math.floor(began / 1000)) + 1000;
      source = this;
    }
    close() {
      this.readyState = 2;
      if (source === this) source = undefined;
    }
    lose() {
      this.readyState = 2;
      this.onerror?.();
    }
    /** Opens if it must, then sends what is due. */
    send() {
      if (this.readyState === 0) {
        this.readyState = 1;
        this.onopen?.();
        this.dispatchEvent(new MessageEvent("hello", { data: hello }));
      }
      for (; this.next <= now && this.readyState === 1; this.next += 1000) {
        const line = lines[(this.next / 1000) % lines.length] ?? "";
        const data = line.replace(/^\{"t":\d+/, `{"t":${this.next}`);
        this.dispatchEvent(new MessageEvent("sample", { data, lastEventId: `${this.era}-${this.next}` }));
      }
    }
  }
  Object.assign(window, { EventSource: Recorded });

  /** @type {WebAssembly.Memory[]} */
  const memories = [];
  const keep = (/** @type {any} */ result) => {
    for (const exported of Object.values((result.instance ?? result).exports)) {
      if (exported instanceof WebAssembly.Memory) memories.push(exported);
    }
    return result;
  };
  const { instantiate, instantiateStreaming } = WebAssembly;
  Object.assign(WebAssembly, {
    instantiate: (/** @type {any[]} */ ...given) => Reflect.apply(instantiate, WebAssembly, given).then(keep),
    instantiateStreaming: (/** @type {any[]} */ ...given) => Reflect.apply(instantiateStreaming, WebAssembly, given).then(keep),
  });

  const { port1, port2 } = new MessageChannel();
  /** Lets the page do what it has to, frames included, without waiting any longer. */
  const breathe = () =>
    new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(0);
    });
  const tick = () => {
    now += 1000;
    played += 1;
    if (played % LOST_EVERY === LOST_EVERY / 2) source?.lose();
    source?.send();
    for (const timer of timers) {
      for (; timer.due <= now; timer.due += timer.every) timer.call();
    }
    for (const draw of frames.splice(0)) draw(now);
  };
  Object.assign(window, {
    day: {
      play: async (/** @type {number} */ ticks) => {
        while (source === undefined && played === 0) await new Promise((resolve) => setTimeout(resolve, 50));
        for (let index = 0; index < ticks; index += 1) {
          tick();
          await breathe();
        }
      },
      wasmBytes: () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
    },
  });
}
