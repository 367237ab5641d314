// Every word of the page, in both languages.

import type { Fault } from "../chat/draft";
import type { State } from "../chat/outbox";
import type { Status } from "../chat/useChat";

export type Language = "ko" | "en";

/** The language to start with: the remembered one, else the first of the browser's that we speak. */
export function choose(remembered: string | null, preferred: readonly string[]): Language {
  for (const tag of [remembered ?? "", ...preferred]) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "ko" || language === "en") return language;
  }
  return "en";
}

export interface Words {
  tagline: string;
  status: Record<Status, string>;
  node: string;
  toDark: string;
  toLight: string;
  otherLanguage: string; // in that language
  log: string;
  /** Lines on squared paper while nobody has spoken, a square to a letter. In Korean they say the title. */
  empty: string[];
  emptyTitle: string;
  emptyText: string;
  you: string;
  joins: (n: number) => string;
  gap: (from: string, to: string) => string;
  newMessages: (n: number) => string;
  toLatest: string;
  offline: string;
  offlineText: string;
  connectNow: string;
  name: string;
  namePlaceholder: string;
  message: string;
  messagePlaceholder: string;
  send: string;
  hint: string;
  fault: (f: Fault) => string;
  full: string;
  pending: (state: State, reason: string) => string;
  again: string;
  edit: string;
  discard: string;
}

const ko: Words = {
  tagline: "정답게 나누는 이야기",
  status: { connecting: "연결하는 중", online: "연결됨", offline: "연결 끊김" },
  node: "노드",
  toDark: "어둡게 보기",
  toLight: "밝게 보기",
  otherLanguage: "English",
  log: "대화",
  empty: ["첫마디를  ", "건네 보세요"],
  emptyTitle: "첫마디를 건네 보세요",
  emptyText: "여기 적은 말은 지금 함께 있는 모두에게 보여요.",
  you: "나",
  joins: (n) => (n === 1 ? "한 명이 들어왔어요" : `${n}명이 들어왔어요`),
  gap: (from, to) =>
    `${from === to ? from : `${from}부터 ${to}까지`} 연결이 끊겨 있었어요. 그사이 온 메시지는 여기에 없을 수 있어요.`,
  newMessages: (n) => `새 메시지 ${n}개`,
  toLatest: "맨 아래로",
  offline: "연결이 끊겼어요",
  offlineText: "다시 연결하고 있어요. 쓰던 글은 그대로 두었어요.",
  connectNow: "지금 연결",
  name: "이름",
  namePlaceholder: "이름을 적어 주세요",
  message: "메시지",
  messagePlaceholder: "메시지를 적어 주세요",
  send: "보내기",
  hint: "Enter로 보내고, Shift+Enter로 줄을 바꿔요",
  fault: (f) => {
    switch (f.kind) {
      case "noName":
        return "누구의 말인지 알 수 있게 이름을 적어 주세요.";
      case "noText":
        return "보낼 말을 적어 주세요.";
      case "nameTooLong":
        return `이름은 50자까지예요. ${f.over}자만 줄여 주세요.`;
      case "textTooLong":
        return `한 번에 2,000자까지 보낼 수 있어요. ${f.over.toLocaleString("ko")}자만 줄여 주세요.`;
    }
  },
  full: "앞서 보낸 메시지들이 아직 답을 기다리고 있어요. 잠시 뒤에 다시 보내 주세요.",
  pending: (state, reason) => {
    switch (state) {
      case "sending":
        return "보내는 중";
      case "sent":
        return "보냄";
      case "failed":
        return reason ? `보내지 못했어요: ${reason}` : "보내지 못했어요";
      case "unsure":
        return "잘 갔는지 확인하지 못했어요";
    }
  },
  again: "다시 보내기",
  edit: "고쳐 쓰기",
  discard: "지우기",
};

const en: Words = {
  tagline: "a friendly talk",
  status: { connecting: "Connecting", online: "Connected", offline: "Offline" },
  node: "Node",
  toDark: "Use dark colours",
  toLight: "Use light colours",
  otherLanguage: "한국어",
  log: "Conversation",
  empty: ["담소"],
  emptyTitle: "Say the first word",
  emptyText: "Everyone who is here now will see what you write.",
  you: "You",
  joins: (n) => (n === 1 ? "Someone joined" : `${n} people joined`),
  gap: (from, to) =>
    `You were offline ${from === to ? `at ${from}` : `from ${from} to ${to}`}. Messages from then may be missing here.`,
  newMessages: (n) => (n === 1 ? "1 new message" : `${n} new messages`),
  toLatest: "To the latest",
  offline: "You are offline",
  offlineText: "Connecting again. What you were writing is kept.",
  connectNow: "Connect now",
  name: "Name",
  namePlaceholder: "Enter name…",
  message: "Message",
  messagePlaceholder: "Enter message…",
  send: "Send",
  hint: "Enter to send, Shift+Enter for a new line",
  fault: (f) => {
    switch (f.kind) {
      case "noName":
        return "Enter a name first, so that others know who is speaking.";
      case "noText":
        return "Write something to send.";
      case "nameTooLong":
        return `A name can have 50 characters. Please take away ${f.over}.`;
      case "textTooLong":
        return `A message can have 2,000 characters. Please take away ${f.over.toLocaleString("en")}.`;
    }
  },
  full: "Earlier messages are still waiting for an answer. Please try again in a moment.",
  pending: (state, reason) => {
    switch (state) {
      case "sending":
        return "Sending";
      case "sent":
        return "Sent";
      case "failed":
        return reason ? `Not sent: ${reason}` : "Not sent";
      case "unsure":
        return "It may not have been sent";
    }
  },
  again: "Send again",
  edit: "Edit",
  discard: "Discard",
};

export const words: Record<Language, Words> = { ko, en };
