/* One stream of server-sent events for all pages of a browser that need the same one. A browser keeps
   six connections to a server over HTTP/1.1: with six streams open, a seventh page would not even load.

   One page leads: it holds the stream and passes each event on over a BroadcastChannel. The others
   follow. When the leader leaves, it says so and a follower takes over; when it dies, nothing arrives
   any longer, which whoever listens notices by itself (see fallback.js). */
(() => {
  "use strict";

  const ANSWER_WITHIN = 300; // ms for a leader to answer; then a page leads itself

  // What a page says of its connection; templates/_badge.html has the first word.
  window.linkWords = {
    connecting: "Connecting",
    live: "Live",
    events: "Events",
    polling: "Polling",
    reconnecting: "Reconnecting",
    ended: "Ended",
    away: "No connection",
    down: "No connection, figures may be old",
  };

  window.SharedEvents = class extends EventTarget {
    #url;
    #names;
    #id = Math.random();
    #channel;
    #timer = 0;
    #source = null;
    #follows = false;

    /* `names`: the events to pass on. Dispatches them, `error`, and `hello` when a stream begins. */
    constructor(url, names) {
      super();
      this.#url = url;
      this.#names = new Set([...names, "hello"]);
      this.#channel = new BroadcastChannel(`events ${url}`);
      this.#channel.onmessage = (message) => this.#hear(message.data);
      this.#find();
    }

    close() {
      clearTimeout(this.#timer);
      if (this.#source) this.#say({ type: "left" });
      this.#end();
      this.#channel.close();
    }

    #say(message) {
      this.#channel.postMessage({ ...message, id: this.#id });
    }

    /* Asks for a leader, and leads when none answers. The wait is random, so that one page is first. */
    #find() {
      clearTimeout(this.#timer);
      this.#follows = false;
      this.#timer = setTimeout(() => this.#lead(), ANSWER_WITHIN * (0.5 + Math.random() / 2));
      this.#say({ type: "who" });
    }

    #lead() {
      const opened = new EventSource(this.#url);
      this.#source = opened;
      this.#say({ type: "lead" });
      for (const name of this.#names) {
        opened.addEventListener(name, ({ data }) => {
          if (opened !== this.#source) return;
          this.#say({ type: "event", name, data });
          this.#tell(name, data);
        });
      }
      opened.onerror = () => {
        if (opened !== this.#source) return;
        this.#end(); // each page tries again in its own time
        this.#say({ type: "error" });
        this.#tell("error");
      };
    }

    #end() {
      if (this.#source) this.#source.close();
      this.#source = null;
    }

    #tell(name, data = "") {
      this.dispatchEvent(new MessageEvent(name, { data }));
    }

    #hear({ type, id, name, data }) {
      if (type === "who") {
        if (this.#source) this.#say({ type: "lead" });
      } else if (type === "lead" && this.#source) {
        // Two began at once: the lower number stays, and says so to the other.
        if (id < this.#id) this.#end();
        else this.#say({ type: "lead" });
      } else if (type === "left") {
        if (!this.#source) this.#find();
      } else if (!this.#source) {
        clearTimeout(this.#timer);
        if (!this.#follows) this.#tell("hello");
        this.#follows = type !== "error";
        if (type === "event") this.#tell(name, data);
        if (type === "error") this.#tell("error");
      }
    }
  };

  /* How many streams of their own the visible pages of a browser have open. A page that opens one more
     than `most` would leave too few connections for everything else. */
  window.StreamSlots = class {
    #most;
    #channel = new BroadcastChannel("stream slots");
    #holds = false;
    #others = 0;

    constructor(most) {
      this.#most = most;
      this.#channel.onmessage = ({ data }) => {
        if (data === "who" && this.#holds) this.#channel.postMessage("one");
        if (data === "one") this.#others += 1;
      };
    }

    /* Resolves to whether this page may open its stream now. */
    async take() {
      this.#others = 0;
      this.#channel.postMessage("who");
      await new Promise((done) => setTimeout(done, ANSWER_WITHIN * (0.5 + Math.random() / 2)));
      this.#holds = this.#others < this.#most;
      return this.#holds;
    }

    free() {
      this.#holds = false;
    }
  };
})();
