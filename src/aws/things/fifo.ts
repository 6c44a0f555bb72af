/** First in, first out, also with very many waiting: `Array.shift` moves everything. */
export interface Fifo<T> {
  push(value: T): void;
  shift(): T | undefined;
}

const compactAt = 1_024;

export const createFifo = <T>(): Fifo<T> => {
  let values: T[] = [];
  let head = 0;
  return {
    push: (value) => void values.push(value),
    shift() {
      const value = values[head];
      if (head < values.length) head += 1;
      if (head >= compactAt && head * 2 >= values.length) {
        values = values.slice(head);
        head = 0;
      }
      return value;
    },
  };
};
