// Events on their way to the server, each kept until the server says that it has heard it.

const PATIENCE = 10_000; // ms without being heard, after which events go again

class Outbox {
  // At most so many events go in one message; the others wait until those have been heard.
  constructor(most = Infinity) {
    this.most = most;
    this.box = Math.random(); // tells the numbers of this outbox from those before a reload
    this.heard = 0; // the number of the last event that the server has heard; the first event's is 1
    this.sent = 0; // the number of the last one that has left
    this.waiting = []; // those not heard yet
    this.patience = PATIENCE;
  }

  // What the server says, and how to tell it; returns the events that it has heard since.
  hear(heard, setTriggerValue) {
    this.tell = setTriggerValue;
    const last = heard?.[0] === this.box ? Math.max(heard[1], this.heard) : this.heard;
    const events = this.waiting.splice(0, last - this.heard);
    this.heard = last;
    if (events.length) this.patience = PATIENCE;
    if (!this.waiting.length) clearTimeout(this.timer);
    this.post();
    return events;
  }

  put(event) {
    this.waiting.push(event);
    this.post();
  }

  // All that is not heard yet goes again: the server may keep the latest message alone, and knows what it has heard.
  post() {
    const last = this.heard + Math.min(this.most, this.waiting.length);
    if (last <= this.sent) return;
    this.sent = last;
    this.tell("sent", { box: this.box, first: this.heard + 1, events: this.waiting.slice(0, this.most) });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // More each time, or a page that takes longer would be begun again for ever.
      this.sent = this.heard;
      this.patience *= 2;
      this.post();
    }, this.patience);
  }

  close() {
    clearTimeout(this.timer);
  }
}
