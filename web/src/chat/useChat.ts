import { io, type Socket } from "socket.io-client";
import { onScopeDispose, readonly, ref, shallowRef } from "vue";
import { append, appendGap, type Entry } from "./log";
import * as outbox from "./outbox";
import {
  type ClientEvents,
  isOk,
  type Message,
  parseMessage,
  parseNode,
  parseRefusal,
  type ServerEvents,
} from "./protocol";
import { retryDelay } from "./retry";

export type Status = "connecting" | "online" | "offline";

/** How long an own message may go without ack or echo before the page says so. */
const PATIENCE = 10_000;

/** A connection that held this long was a good one: the next retry starts early again. */
const SETTLED = 10_000;

/** The connection to the chat. `username` is asked at every connect. */
export function useChat(username: () => string) {
  const status = ref<Status>("connecting");
  const node = ref<string | null>(null);
  const notice = ref(""); // the server's words about something that is not in pending
  const entries = shallowRef<readonly Entry[]>([]);
  const pending = shallowRef<readonly outbox.Pending[]>([]);

  let acked = false; // this server acknowledges
  let onlineSince = 0;
  let offlineSince = 0;
  let attempt = 0;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;

  const socket: Socket<ServerEvents, ClientEvents> = io("/chat", { query: { username: username() } });

  socket.io.on("reconnect_attempt", () => {
    socket.io.opts.query = { username: username() };
  });

  socket.on("connect", () => {
    status.value = "online";
    onlineSince = Date.now();
    if (offlineSince && !socket.recovered) entries.value = appendGap(entries.value, offlineSince, onlineSince);
    offlineSince = 0;
  });

  socket.on("disconnect", (reason) => {
    const now = Date.now();
    status.value = "offline";
    node.value = null;
    acked = false;
    offlineSince = now;
    if (now - onlineSince > SETTLED) attempt = 0;
    const { box, done } = outbox.interrupt(pending.value);
    pending.value = box;
    for (const p of done) entries.value = append(entries.value, p, true, p.at);
    if (reason === "io server disconnect") retryLater();
  });

  socket.on("connect_error", () => {
    status.value = "offline";
    if (!socket.active) retryLater(); // refused by the server; the client does not try again by itself
  });

  socket.on("node", (payload) => {
    node.value = parseNode(payload);
  });

  socket.on("msgToClient", (payload) => {
    const message = parseMessage(payload);
    if (!message) return;
    const { box, own } = outbox.settle(pending.value, message);
    if (own) pending.value = box;
    entries.value = append(entries.value, message, own, Date.now());
  });

  socket.on("exception", (payload) => {
    const reason = parseRefusal(payload);
    if (reason === null) return;
    // A server that acknowledges says by the ack which message it means.
    const meant = acked ? undefined : outbox.oldestSending(pending.value);
    if (meant) pending.value = outbox.refuse(pending.value, meant.id, reason);
    else if (!pending.value.some((p) => p.reason === reason)) notice.value = reason;
  });

  function retryLater() {
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connectNow, retryDelay(attempt++, Math.random()));
  }

  /** Connects without waiting for the next attempt that is due. Nothing happens while connected. */
  function connectNow() {
    clearTimeout(retryTimer);
    if (socket.connected) return;
    socket.io.opts.query = { username: username() };
    socket.disconnect().connect(); // disconnect ends the client's own waiting
  }

  window.addEventListener("online", connectNow);

  /** Sends a message that `check` found nothing wrong with. False: not taken, nothing was sent. */
  function send(message: Message): boolean {
    if (!socket.connected || pending.value.length >= outbox.MAX_PENDING) return false;
    notice.value = "";
    pending.value = outbox.enqueue(pending.value, message, Date.now());
    const { id } = pending.value.at(-1)!;
    socket.timeout(PATIENCE).emit("msgToServer", message, (err, answer) => {
      if (err) {
        pending.value = outbox.expire(pending.value, id);
        return;
      }
      acked = true;
      const reason = parseRefusal(answer);
      if (reason !== null) {
        pending.value = outbox.refuse(pending.value, id, reason);
        if (notice.value === reason) notice.value = ""; // its exception came first
      } else if (isOk(answer)) pending.value = outbox.confirm(pending.value, id);
    });
    return true;
  }

  /** Takes a message out of pending: it is sent anew, written anew or given up. */
  function discard(id: number) {
    pending.value = outbox.discard(pending.value, id);
  }

  onScopeDispose(() => {
    window.removeEventListener("online", connectNow);
    clearTimeout(retryTimer);
    socket.disconnect();
  });

  return {
    status: readonly(status),
    node: readonly(node),
    notice: readonly(notice),
    entries,
    pending,
    send,
    discard,
    connectNow,
  };
}
