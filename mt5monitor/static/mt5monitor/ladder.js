// The price ladder of one position: its stop-loss and take-profit as lines that are dragged by
// mouse or finger, or moved by the arrow keys, a tick at a time. What a line would mean in money is
// shown beside it. On release the fields get the new price and the form asks for confirmation; the
// server checks all of it, and draws the lines anew where they are.
"use strict";
(() => {
  const LABEL = { sl: "SL", tp: "TP" };
  const NAME = { sl: "Stop-loss", tp: "Take-profit" };
  const BIG_STEP = 10; // ticks, with Shift or Page keys
  const ROOM = 0.35; // of the range, above and below, to drag into
  const ladders = new WeakMap();

  const number = (text) => (text === "" || text === undefined ? null : Number(text));

  class Ladder {
    constructor(element) {
      this.element = element;
      this.form = element.closest("form");
      const data = element.dataset;
      this.tick = number(data.tick);
      this.value = number(data.value);
      this.pip = number(data.pip);
      this.open = number(data.open);
      this.now = number(data.now);
      this.volume = number(data.volume);
      this.sign = data.side === "BUY" ? 1 : -1;
      this.currency = data.currency;
      this.places = Number(data.places);
      const texts = [data.tick, data.open, data.sl, data.tp];
      this.digits = Math.max(...texts.map((text) => (text.split(".")[1] ?? "").length));
      this.stored = { sl: data.sl, tp: data.tp };
      this.levels = { sl: number(data.sl), tp: number(data.tp) };
      this.frame();
      this.draw();
    }

    /* Which prices are shown, from low to high. */
    frame() {
      const known = [this.open, this.now, this.levels.sl, this.levels.tp].filter((price) => price !== null);
      const least = this.tick * 60;
      const span = Math.max(Math.max(...known) - Math.min(...known), least);
      const middle = (Math.max(...known) + Math.min(...known)) / 2;
      this.low = middle - span * (0.5 + ROOM);
      this.high = middle + span * (0.5 + ROOM);
    }

    draw() {
      this.element.replaceChildren();
      this.lines = {};
      this.fixed("open", "Open", this.open);
      this.nowLine = this.now === null ? null : this.fixed("now", "Now", this.now);
      for (const name of ["tp", "sl"]) this.levels[name] === null ? this.offer(name) : this.handle(name);
    }

    fixed(kind, label, price) {
      const line = document.createElement("div");
      line.className = `line ${kind}`;
      line.textContent = `${label} ${this.text(price)}`;
      this.element.append(line);
      this.put(line, price);
      return line;
    }

    handle(name) {
      const line = document.createElement("div");
      line.className = `line level ${name}`;
      line.tabIndex = 0;
      line.setAttribute("role", "slider");
      line.setAttribute("aria-orientation", "vertical");
      line.setAttribute("aria-label", NAME[name]);
      line.addEventListener("pointerdown", (event) => this.grab(event, name));
      line.addEventListener("keydown", (event) => this.key(event, name));
      this.lines[name] = line;
      this.element.append(line);
      this.show(name);
    }

    offer(name) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `offer ${name}`;
      button.textContent = `Set ${LABEL[name]}`;
      button.addEventListener("click", () => {
        button.remove();
        const away = (this.high - this.low) / 6 * this.sign * (name === "sl" ? -1 : 1);
        this.levels[name] = this.onTick((this.now ?? this.open) + away);
        this.handle(name);
        this.lines[name].focus();
        this.write(name);
      });
      this.element.append(button);
    }

    show(name) {
      const [line, price] = [this.lines[name], this.levels[name]];
      this.put(line, price);
      const words = `${this.text(price)}, ${this.meaning(price)}`;
      line.textContent = `${LABEL[name]} ${words}`;
      line.setAttribute("aria-valuemin", this.text(this.low));
      line.setAttribute("aria-valuemax", this.text(this.high));
      line.setAttribute("aria-valuenow", this.text(price));
      line.setAttribute("aria-valuetext", words);
    }

    meaning(price) {
      const distance = (price - this.open) * this.sign;
      const signed = (value, digits) => `${value > 0 ? "+" : ""}${value.toFixed(digits)}`;
      if (this.value) return `${signed((distance / this.tick) * this.value * this.volume, this.places)} ${this.currency}`.trim();
      return this.pip ? `${signed(distance / this.pip, 1)} pips` : "";
    }

    text(price) { return price.toFixed(this.digits); }
    onTick(price) { return Number((Math.round(price / this.tick) * this.tick).toFixed(this.digits)); }

    put(line, price) {
      const share = (this.high - price) / (this.high - this.low);
      line.style.top = `${Math.min(Math.max(share, 0), 1) * 100}%`;
    }

    move(name, price) { this.place(name, Math.max(this.onTick(price), this.tick)); }

    /* Where it is, on a tick or not: a stored level may lie between two. */
    place(name, price) {
      this.levels[name] = price;
      this.show(name);
    }

    grab(event, name) {
      if (event.button) return;
      event.preventDefault();
      const line = this.lines[name];
      const box = this.element.getBoundingClientRect();
      const [from, start] = [event.clientY, this.levels[name]];
      line.focus();
      line.setPointerCapture(event.pointerId);
      const moved = (to) => {
        const away = ((to.clientY - from) / box.height) * (this.high - this.low);
        away ? this.move(name, start - away) : this.place(name, start);
      };
      const end = (up) => {
        line.removeEventListener("pointermove", moved);
        line.removeEventListener("pointerup", end);
        line.removeEventListener("pointercancel", end);
        if (up.type === "pointercancel") this.place(name, start);
        else if (this.levels[name] !== start) this.release(name);
      };
      line.addEventListener("pointermove", moved);
      line.addEventListener("pointerup", end);
      line.addEventListener("pointercancel", end);
    }

    key(event, name) {
      const ticks = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: BIG_STEP, PageDown: -BIG_STEP }[event.key];
      if (event.key === "Enter") {
        event.preventDefault();
        this.release(name);
      } else if (ticks) {
        event.preventDefault();
        this.move(name, this.levels[name] + ticks * this.tick * (event.shiftKey ? BIG_STEP : 1));
        this.write(name);
      }
    }

    write(name) {
      const field = this.form.elements[name];
      // A line that stays where it was sends what is stored, not that as it is shown.
      const stored = this.stored[name];
      field.value = this.levels[name] === number(stored) ? stored : this.text(this.levels[name]);
      this.form.elements[`${name}_unit`].value = "price";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }

    /* Confirmed on the next page; nothing is sent from here. */
    release(name) {
      this.write(name);
      const review = this.form.querySelector('button[value="review"]');
      if (!review.disabled) this.form.requestSubmit(review);
    }

    priced(now) {
      this.now = now;
      if (this.nowLine) {
        this.put(this.nowLine, now);
        this.nowLine.textContent = `Now ${this.text(now)}`;
      }
    }

    typed(name, text) {
      const price = Number(text.replace(",", "."));
      if (this.lines[name] && price > 0 && this.lines[name] !== document.activeElement) {
        this.levels[name] = price;
        this.show(name);
      }
    }
  }

  function begin() {
    for (const element of document.querySelectorAll("[data-ladder]")) {
      if (!ladders.has(element)) ladders.set(element, new Ladder(element));
    }
    const ladder = ladders.get(document.querySelector("[data-ladder]"));
    const now = document.querySelector("#levels [data-now]")?.dataset.now;
    if (ladder && now) ladder.priced(Number(now));
  }

  document.addEventListener("input", (event) => {
    const name = event.target.name;
    const ladder = ladders.get(event.target.form?.querySelector("[data-ladder]"));
    if (ladder && LABEL[name] && event.target.form.elements[`${name}_unit`].value === "price") ladder.typed(name, event.target.value);
  });
  document.addEventListener("htmx:afterSettle", begin);
  begin();
})();
