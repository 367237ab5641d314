/**
 * Milliseconds to wait before connecting again after the server itself ended
 * the connection: one second, doubled each time, at most 30, each with up to a
 * half more by chance so that a room full of people does not come back at once.
 * `random` is from [0, 1).
 */
export function retryDelay(attempt: number, random: number): number {
  const base = Math.min(30_000, 1000 * 2 ** Math.min(attempt, 10));
  return Math.round(base * (1 + random / 2));
}
