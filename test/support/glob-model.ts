/**
 * What a glob means, in the plainest way: the pattern as a list of elements, a table of which
 * element matches from where. Independent of the core's matcher; slow and obvious.
 */

type Element =
  | { readonly kind: 'star' | 'any' }
  | { readonly kind: 'one'; readonly point: number }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [number, number])[];
    };

function parseClass(points: readonly string[], start: number): { element: Element; end: number } {
  let at = start + 1;
  const negated = points[at] === '^' || points[at] === '!';
  if (negated) at += 1;
  const ranges: [number, number][] = [];
  const member = (): number => {
    if (points[at] === '\\') at += 1;
    const point = (points[at] as string).codePointAt(0) as number;
    at += 1;
    return point;
  };
  while (points[at] !== ']') {
    const low = member();
    let high = low;
    if (points[at] === '-' && points[at + 1] !== ']') {
      at += 1;
      high = member();
    }
    ranges.push([low, high]);
  }
  return { element: { kind: 'class', negated, ranges }, end: at + 1 };
}

function parse(glob: string): Element[] {
  const points = [...glob];
  const elements: Element[] = [];
  for (let at = 0; at < points.length; ) {
    const point = points[at] as string;
    if (point === '[') {
      const { element, end } = parseClass(points, at);
      elements.push(element);
      at = end;
      continue;
    }
    if (point === '*') elements.push({ kind: 'star' });
    else if (point === '?') elements.push({ kind: 'any' });
    else {
      if (point === '\\') at += 1;
      elements.push({ kind: 'one', point: (points[at] as string).codePointAt(0) as number });
    }
    at += 1;
  }
  return elements;
}

function takes(element: Element, point: number): boolean {
  if (element.kind === 'one') return element.point === point;
  if (element.kind !== 'class') return true;
  const isMember = element.ranges.some(([low, high]) => low <= point && point <= high);
  return isMember !== element.negated;
}

/** Whether the whole text matches a well-formed glob. */
export function matchesNaively(text: string, glob: string): boolean {
  const points = [...text].map((point) => point.codePointAt(0) as number);
  const elements = parse(glob);
  const known = new Map<number, boolean>();
  const matchFrom = (at: number, index: number): boolean => {
    const key = at * (elements.length + 1) + index;
    const found = known.get(key) ?? decide(at, index);
    known.set(key, found);
    return found;
  };
  const decide = (at: number, index: number): boolean => {
    const element = elements[index];
    if (element === undefined) return at === points.length;
    if (element.kind === 'star') {
      return matchFrom(at, index + 1) || (at < points.length && matchFrom(at + 1, index));
    }
    const point = points[at];
    return point !== undefined && takes(element, point) && matchFrom(at + 1, index + 1);
  };
  return matchFrom(0, 0);
}
