// SPDX-License-Identifier: Apache-2.0

/** Sees to it that the focus does not fall to the page's body where what had it goes away. */

const FOCUSABLE = 'a[href], button, input, select, textarea, summary, [tabindex]';

/** Who looks for the next thing to do looks no further than this. */
const BOUNDARY = 'section, dialog, main';

/** @typedef {{ parent: Element, index: number }} Place index: among the parent's children */

/**
 * Remembers where the focus is, if it is within an element.
 *
 * @param {Element} host
 * @returns {() => void} after a change: moves the focus to what is nearest, if what had it is gone,
 *   hidden or disabled
 */
export function watchFocus(host) {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || active === host || !host.contains(active)) {
    return () => {};
  }
  const places = placesOf(active);
  return () => {
    if (isUsable(active)) return;
    successorOf(places)?.focus({ preventScroll: true });
  };
}

/**
 * @param {Element} element
 * @returns {Place[]} from the inside
 */
function placesOf(element) {
  /** @type {Place[]} */
  const places = [];
  let child = element;
  for (let parent = child.parentElement; parent; parent = parent.parentElement) {
    places.push({ parent, index: [...parent.children].indexOf(child) });
    child = parent;
  }
  return places;
}

/** @param {Element} element */
function isUsable(element) {
  return element.isConnected && !element.matches(':disabled') && element.checkVisibility();
}

/**
 * @param {Place[]} places
 * @returns {HTMLElement | undefined} what is now in the same place, or next to it
 */
function successorOf(places) {
  for (const { parent, index } of places) {
    if (!isUsable(parent)) continue;
    const children = [...parent.children];
    const near = [...children.slice(index), ...children.slice(0, index).reverse()];
    const found = near.map(firstFocusable).find((each) => each !== undefined);
    if (found) return found;
    if (parent instanceof HTMLElement && parent.matches(`${BOUNDARY}, [tabindex]`)) {
      if (!parent.hasAttribute('tabindex')) parent.tabIndex = -1;
      return parent;
    }
  }
  return undefined;
}

/**
 * @param {Element} element
 * @returns {HTMLElement | undefined} itself, or the first within it
 */
function firstFocusable(element) {
  return /** @type {HTMLElement | undefined} */ (
    [element, ...element.querySelectorAll(FOCUSABLE)].find(
      (each) =>
        each.matches(FOCUSABLE) &&
        each.getAttribute('tabindex') !== '-1' &&
        each.getAttribute('aria-disabled') !== 'true' &&
        isUsable(each),
    )
  );
}
