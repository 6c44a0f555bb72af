/**
 * A map whose entries come and go all the time. `Map` copies its table every few changes, and V8 has each old table point to the one that
 * replaced it: once one of them is in the old generation, all that follow stay in memory with what they held, until a full collection.
 * Here that holds keys only, since the values lie in a list of places, which forgets them at once. Iterates in the order of insertion.
 */
export class SlotMap<K, V> {
  readonly #places = new Map<K, number>();
  #values: (V | undefined)[] = [];
  #free: number[] = [];

  get size(): number {
    return this.#places.size;
  }

  has(key: K): boolean {
    return this.#places.has(key);
  }

  get(key: K): V | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#values[place];
  }

  set(key: K, value: V): void {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#free.pop() ?? this.#values.push(value) - 1;
      this.#places.set(key, place);
    }
    this.#values[place] = value;
  }

  delete(key: K): boolean {
    const place = this.#places.get(key);
    if (place === undefined) return false;
    this.#places.delete(key);
    if (this.#places.size === 0) this.#forgetPlaces();
    else {
      this.#values[place] = undefined;
      this.#free.push(place);
    }
    return true;
  }

  clear(): void {
    this.#places.clear();
    this.#forgetPlaces();
  }

  keys(): IterableIterator<K> {
    return this.#places.keys();
  }

  *values(): IterableIterator<V> {
    for (const place of this.#places.values()) yield this.#values[place] as V;
  }

  *[Symbol.iterator](): IterableIterator<[K, V]> {
    for (const [key, place] of this.#places) yield [key, this.#values[place] as V];
  }

  /** After a peak the lists would stay as long as they were. */
  #forgetPlaces(): void {
    this.#values = [];
    this.#free = [];
  }
}
