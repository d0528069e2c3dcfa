// What is chosen: what the server says, unless one has chosen since and it has not heard of that yet.
class Choice {
  hear(data, setStateValue) {
    this.tell = setStateValue;
    if (this.turn === undefined || data.heard === this.turn) this.now = data.chosen;
  }

  make(what) {
    this.now = what;
    this.turn = (this.turn ?? Math.random()) + 1; // differs for each choice, and from those before a reload
    this.tell("choice", { what, turn: this.turn });
  }
}
