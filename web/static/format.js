// Numbers, times and names as people read them.

export const NONE = "–";

export const short = (hex) => (hex ? hex.slice(0, 12) : NONE);

const ADDRESS = /^[0-9a-f]{40}$/;
const NAME = 32;

/** named formats whom the fisherman samples: an address by its first digits, a long name without its middle. */
export function named(id) {
  if (ADDRESS.test(id) || !id) return short(id);
  return id.length <= NAME ? id : `${id.slice(0, NAME / 2)}…${id.slice(1 - NAME / 2)}`;
}

/** ms formats milliseconds with about three significant digits. */
export function ms(value) {
  if (value === null || value === undefined) return NONE;
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** percent formats a share, truncated rather than rounded up to 100. */
export function percent(share) {
  if (share === null || share === undefined) return NONE;
  const hundredths = share * 100;
  return (Number.isInteger(hundredths) ? hundredths : Math.floor(hundredths * 10 + 1e-9) / 10) + " %";
}

export function bounds(interval) {
  if (interval.value === null) return NONE;
  return `${Math.round(interval.low * 100)}–${Math.round(interval.high * 100)}`;
}

export const plural = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** lasting formats a duration in seconds for people. */
export function lasting(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hour12: false });

export const timeOfDay = (date) => clock.format(date);

/** moment formats an RFC 3339 time: the time of day with milliseconds, the full time in the title. */
export function moment(text) {
  if (!text) return NONE;
  const date = new Date(text);
  return `${clock.format(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

export const day = (text) => (text ? calendar.format(new Date(text)) : NONE);

/** micros formats microseconds. */
export function micros(us) {
  if (us === null || us === undefined) return NONE;
  return us < 1000 ? `${us} µs` : `${ms(us / 1000)} ms`;
}
