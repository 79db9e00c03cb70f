// One connection for all pages of this browser. Whoever holds the lock leads: it has the EventSource, and tells the
// others what comes, over a channel. The build puts this into the page's script, without comments and line breaks, so
// every statement ends in a semicolon.
//
// An event is told as {name, data, id, prev}: `prev` is the id before it. A page that has another one has missed some
// (it is new, was frozen, or leads now) and asks the server for them. What a page may tell besides:
//   ?     does somebody lead? The leader answers from its handler, which is not slowed down out of sight as timers are
//   want  a page lists processes
//   here  of a leader: it leads
//   down  of a leader: the connection is lost, and the lock is free
// All that a leader says bears its `term`, `up` when samples come to it, `asks` when it polls for them, and `procs` when
// it asks for processes. Terms grow: a leader that was stuck and robbed of the lock may go on for an instant before it
// learns of it, and is not listened to.
// When to connect, to ask, or to give up a stream, is decided by `heard`, in the wasm, which is told everything.

const REST = location.pathname.replace(/[^/]*$/, "");
const NAME = "telltale" + REST;
const SILENT = 1100;
const UNANSWERED = 900;
const WANTED = 60000;
// A page shows ten minutes of what comes: after a night of sleep it asks for no more.
const SHOWN = 660000;

export function share(heard, last, wants) {
  const locks = navigator.locks;
  const channel = locks && self.BroadcastChannel && new BroadcastChannel(NAME);
  let on, up, source, procs, asks, request, leader, free, held, away;
  let term = 0, questions = new AbortController();
  let wanted = wants ? Date.now() : 0;
  let beat = 0, asked = 0, ticked = 0;

  const post = (message) => channel && channel.postMessage(message);
  const hear = (name, data = "", number = Math.random()) => act(heard(name, data, number));
  const say = (message) => post({ ...message, term, up, asks, procs });
  const here = () => say({ name: "here" });
  const parts = (id) => id.split(/\D/);
  const order = (a, b) => {
    a = parts(a);
    b = parts(b);
    return a[0] - b[0] || a[1] - b[1] || (a[2] || 0) - (b[2] || 0);
  };

  // After which id to go on.
  const place = () => {
    const [era, t] = parts(last);
    const oldest = Date.now() - SHOWN;
    return t < oldest ? era + "-" + oldest : last;
  };

  // Takes what comes next; what comes too early waits until it was asked for what is missing.
  const take = (event) => {
    if (event.prev != last) {
      if (held) held.push(event);
      if (held || order(event.id || event.prev, last) <= 0) return;
      held = [event];
      return fetchMissed();
    }
    last = event.id || last;
    hear(event.name, event.data);
  };
  const fetchMissed = () =>
    ask("").then(
      (samples) => {
        const events = held || [];
        held = 0;
        for (const event of events) {
          // What is not told when it is asked for does not exist.
          if (!samples && order(event.prev, last) > 0) last = event.prev;
          take(event);
        }
      },
      () => (held = 0),
    );

  // Asks for what comes after the last event; says how many samples that were.
  const ask = async (wait) => {
    const { signal } = questions;
    let prev = last, samples = 0;
    const { events } = await (await fetch("api/v1/samples?after=" + place() + wait, { signal })).json();
    for (const { event, data, id = "" } of events) {
      signal.throwIfAborted();
      if (event == "sample") samples++;
      const told = { name: event, data: JSON.stringify(data), id, prev };
      prev = id || prev;
      if (leader) tell(told);
      else take(told);
    }
    return samples;
  };
  const dropQuestions = () => {
    questions.abort();
    questions = new AbortController();
  };

  const tell = (event) => {
    say(event);
    if (event.prev == undefined) hear(event.name, event.data);
    else take(event);
  };

  const close = () => {
    if (source) source.close();
    source = 0;
  };
  const open = () => {
    close();
    // Until it is open, nobody who is new is told that samples come.
    if (!asks) up = 0;
    procs = wants || Date.now() - wanted < WANTED;
    let prev = last;
    const mine = (source = new EventSource(
      "api/v1/stream?events=sample,notification" + (procs ? ",processes" : "") + "&last_event_id=" + place(),
    ));
    mine.onopen = () => {
      if (asks || source != mine) return;
      up = 1;
      hear("open");
      here();
    };
    mine.onerror = () => {
      if (source != mine) return;
      close();
      if (!asks) fall();
    };
    for (const name of ["hello", "catalog", "sample", "notification", "processes", "gap", "ping", "bye"]) {
      mine.addEventListener(name, ({ data, lastEventId }) => {
        if (source != mine) return;
        const event = { name, data, id: "" };
        if (name == "catalog" || name == "gap") event.prev = prev;
        if (name == "sample" || name == "notification") {
          event.prev = prev;
          event.id = prev = lastEventId;
        }
        if (name == "sample") hear("streamed", "", +parts(lastEventId)[1]);
        if (source == mine && !asks) tell(event);
      });
    }
  };

  const poll = async () => {
    const { signal } = questions;
    while (!signal.aborted) {
      try {
        const samples = await ask("&wait=20s");
        if (signal.aborted) return;
        tell({ name: "ping" });
        // Who does not wait for us is not asked without a pause.
        if (!samples) await new Promise((done) => setTimeout(done, 1000));
      } catch {
        if (!signal.aborted) fall();
      }
    }
  };

  // The connection is lost: everybody is told so, and goes out of the queue.
  const fall = () => {
    const chance = Math.random();
    say({ name: "down", chance });
    leave(100);
    hear("failed", "", chance);
  };
  const leave = (after) => {
    on = up = asks = 0;
    close();
    dropQuestions();
    if (leader && free) after ? setTimeout(free, after) : free();
    leader = free = 0;
    if (request) request.abort();
  };

  // Somebody thought this page dead, and leads instead.
  const stepDown = () => {
    if (free) free();
    close();
    dropQuestions();
    leader = free = up = 0;
    if (on) queue();
  };

  const lead = () => {
    term = Math.max(Date.now(), term + 1);
    if (asks) poll();
    else open();
    here();
  };
  const queue = (steal) => {
    on = 1;
    if (!channel) {
      leader = 1;
      return lead();
    }
    if (request) request.abort();
    const mine = (request = new AbortController());
    const options = steal ? { steal } : { signal: mine.signal };
    locks
      .request(NAME, options, () =>
        new Promise((done) => {
          if (request != mine || !on) return done();
          leader = mine;
          free = done;
          lead();
        }),
      )
      .catch(() => {
        if (leader == mine) stepDown();
      });
    post({ name: "?" });
  };

  const act = (action) => {
    if (action == 1) leader ? open() : queue();
    if (action == 2) {
      if (leader) say({ name: "down", chance: Math.random() });
      leave(100);
    }
    if (action == 3 && !held) {
      ask("").then((samples) => leader && hear("answered", "", samples), () => {});
    }
    if (leader && action == 4) {
      close();
      if (!asks) {
        dropQuestions();
        up = asks = 1;
        hear("asking");
        here();
        poll();
      }
    }
    if (leader && action == 5) {
      asks = 0;
      dropQuestions();
      here();
    }
    if (leader && action == 6) open();
  };

  // A leader spoke.
  const alive = (message) => {
    beat = Date.now();
    if (!message.up) return;
    if (!on) queue();
    if (!up || asks != message.asks) {
      up = 1;
      asks = message.asks;
      hear(asks ? "asking" : "open");
    }
  };

  const tick = () => {
    const now = Date.now();
    if (away) return;
    // Whoever slept can't tell who was silent.
    if (now - ticked > 1500) asked = 0;
    ticked = now;
    hear("tick");
    if (!on || !channel) return;
    if (leader) {
      if (source && procs && !wants && now - wanted > WANTED && !asks) open();
      return;
    }
    if (asked > beat) {
      if (now - asked > UNANSWERED + Math.random() * 300) {
        asked = 0;
        beat = now;
        queue(true);
      }
    } else if (now - beat > SILENT) {
      asked = now;
      post({ name: "?" });
    }
  };

  if (channel) {
    channel.onmessage = ({ data: message }) => {
      const { name } = message;
      if (away) return;
      if (name == "?") {
        // Its own timer may be slowed down, and what it should find out is due.
        if (leader) tick();
        if (leader) here();
        else if (asked <= beat) asked = Date.now();
      } else if (name == "want") {
        wanted = Date.now();
        if (leader && source && !procs && !asks) open();
      } else if (message.term < term) {
        return;
      } else {
        if (message.term > term) {
          term = message.term;
          if (leader) stepDown();
        }
        if (leader) return;
        if (name == "down") {
          if (!on) return;
          leave();
          return hear("failed", "", message.chance);
        }
        alive(message);
        if (wants && (name == "processes" || (name == "here" && !message.procs)) && Date.now() - wanted > WANTED / 3) {
          wanted = Date.now();
          post({ name: "want" });
        }
        if (name == "here") return;
        if (message.prev == undefined) hear(name, message.data);
        else take(message);
      }
    };
  }
  const on_event = (target, name, listen) => target.addEventListener(name, listen);
  const sleep = () => {
    away = on;
    leave();
  };
  const wake = () => {
    if (!away) return;
    away = 0;
    beat = Date.now();
    hear("open");
    queue();
  };
  on_event(document, "freeze", sleep);
  on_event(window, "pagehide", sleep);
  on_event(document, "resume", wake);
  on_event(window, "pageshow", wake);
  on_event(window, "online", () => hear("online"));
  on_event(document, "visibilitychange", () => {
    hear("seen");
    tick();
  });
  setInterval(tick, 250);
  if (wants) post({ name: "want" });
  beat = Date.now();
  queue();
}
