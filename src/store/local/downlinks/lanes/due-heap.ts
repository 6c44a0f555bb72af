/** Something that becomes due; kept in at most one heap at a time. */
export interface Due {
  dueAt: number;
  /** Decides between two that are due at the same time: the lower first. */
  order: number;
  /** Its place in the heap; the heap's own. */
  index: number;
}

/** A binary heap, the earliest on top, from which any entry can be removed. */
export interface DueHeap<T extends Due> {
  peek(): T | undefined;
  push(entry: T): void;
  remove(entry: T): void;
}

const before = (one: Due, other: Due): boolean => (one.dueAt === other.dueAt ? one.order < other.order : one.dueAt < other.dueAt);

export const createDueHeap = <T extends Due>(): DueHeap<T> => {
  const heap: T[] = [];

  const place = (entry: T, index: number): void => {
    heap[index] = entry;
    entry.index = index;
  };

  const rise = (entry: T, from: number): void => {
    let index = from;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1];
      if (parent === undefined || !before(entry, parent)) break;
      place(parent, index);
      index = (index - 1) >> 1;
    }
    place(entry, index);
  };

  const earlierChild = (index: number): T | undefined => {
    const left = heap[2 * index + 1];
    const right = heap[2 * index + 2];
    return left !== undefined && right !== undefined && before(right, left) ? right : left;
  };

  const sink = (entry: T, from: number): void => {
    let index = from;
    for (let child = earlierChild(index); child !== undefined && before(child, entry); child = earlierChild(index)) {
      const next = child.index;
      place(child, index);
      index = next;
    }
    place(entry, index);
  };

  return {
    peek: () => heap[0],
    push(entry) {
      heap.push(entry);
      rise(entry, heap.length - 1);
    },
    remove(entry) {
      if (heap[entry.index] !== entry) return;
      const { index } = entry;
      const last = heap.pop();
      if (last === undefined || last === entry) return;
      sink(last, index);
      rise(last, last.index);
    },
  };
};
