// Axes of charts: local times, and round numbers.

const HOUR = 3600000, DAY = 24 * HOUR;

// The distances between ticks, in milliseconds.
const DISTANCES = [60000, 300000, 600000, 900000, 1800000, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 7 * DAY, 14 * DAY];

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const calendar = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const both = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });

/** zone is the name of the zone that times are shown in. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** when formats a moment with day and time of day. */
export const when = (at) => both.format(new Date(at));

/** whenShort formats the beginning of a step of so many seconds. */
export const whenShort = (at, seconds) => (seconds >= 86400 ? calendar : seconds >= 21600 ? both : clock).format(new Date(at));

// round returns the first local moment that is a multiple of a distance and not before another moment.
function round(from, distance) {
  const midnight = new Date(from);
  midnight.setHours(0, 0, 0, 0);
  if (distance >= DAY) {
    if (midnight.getTime() < from) midnight.setDate(midnight.getDate() + 1);
    return midnight;
  }
  return new Date(midnight.getTime() + Math.ceil((from - midnight.getTime()) / distance) * distance);
}

/** timeTicks returns moments for at most a number of ticks between two moments, with their labels. Days begin at local midnights. */
export function timeTicks(from, to, most) {
  const distance = DISTANCES.find((one) => (to - from) / one <= most) ?? DISTANCES.at(-1), ticks = [];
  for (let at = round(from, distance); at.getTime() <= to;) {
    ticks.push({ at: at.getTime(), label: distance >= DAY || at.getHours() + at.getMinutes() === 0 ? calendar.format(at) : clock.format(at) });
    if (distance >= DAY) at.setDate(at.getDate() + distance / DAY);
    else at = new Date(at.getTime() + distance);
  }
  return ticks;
}

/** numberTicks returns round numbers from least to most, of which the ends enclose both. */
export function numberTicks(least, most, count = 4) {
  const span = most - least || Math.abs(most) || 1, raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= raw * 0.999);
  const first = Math.floor(least / step + 1e-9), last = Math.ceil(most / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => +((first + i) * step).toPrecision(12));
}
