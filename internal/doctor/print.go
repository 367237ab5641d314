package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Words of the printed report.
var (
	wordHealthy  = text{"Healthy: nothing wrong was found.", "건강합니다. 문제가 보이지 않습니다."}
	wordFindings = text{"Findings: %d", "발견한 문제: %d"}
	wordSeen     = text{"seen", "본 것"}
	wordMeaning  = text{"means", "뜻"}
	wordAdvice   = text{"do", "할 일"}
	wordNotes    = text{"Notes", "참고"}
	wordError    = text{"ERROR", "오류"}
	wordWarning  = text{"WARNING", "주의"}
	wordClients  = text{"clients that can connect: %s", "접속할 수 있는 클라이언트: %s"}
	wordNodes    = text{"servers that answered: %d (%s, by %s)", "응답한 서버: %d대(%s, 구별 기준 %s)"}
	wordLatency  = text{"latency, ms:", "지연(ms):"}
	wordConnect  = text{"connect", "연결"}
	wordTLS      = text{"TLS", "TLS"}
	wordRequest  = text{"request", "요청"}
	wordPolling  = text{"long-polling", "롱폴링"}
	wordSocket   = text{"WebSocket", "WebSocket"}
)

// Fprint writes the report for people, in the language that its texts are in.
func (r *Report) Fprint(w io.Writer, lang string) error {
	l := languageOf(lang)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.URL)
	r.printServer(&b, l)
	if r.Healthy {
		fmt.Fprintf(&b, "\n%s\n", l.of(wordHealthy))
	} else {
		fmt.Fprintf(&b, "\n"+l.of(wordFindings)+"\n", len(r.Findings))
	}
	for _, f := range r.Findings {
		printFinding(&b, l, f)
	}
	if len(r.Notes) > 0 {
		fmt.Fprintf(&b, "\n%s\n", l.of(wordNotes))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  - %s\n", n.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) printServer(w io.Writer, l language) {
	if len(r.Server.Clients) > 0 {
		fmt.Fprintf(w, "  "+l.of(wordClients)+"\n", strings.Join(r.Server.Clients, ", "))
	}
	if n := len(r.Server.Nodes); n > 0 {
		fmt.Fprintf(w, "  "+l.of(wordNodes)+"\n", n, strings.Join(r.Server.Nodes, ", "), r.Server.NodesBy)
	}
	var measured []string
	for _, m := range []struct {
		name text
		ms   float64
	}{
		{wordConnect, r.Latency.Connect}, {wordTLS, r.Latency.TLS}, {wordRequest, r.Latency.Request},
		{wordPolling, r.Latency.Polling}, {wordSocket, r.Latency.WebSocket},
	} {
		if m.ms > 0 {
			measured = append(measured, fmt.Sprintf("%s %.1f", l.of(m.name), m.ms))
		}
	}
	if len(measured) > 0 {
		fmt.Fprintf(w, "  %s %s\n", l.of(wordLatency), strings.Join(measured, ", "))
	}
}

func printFinding(w io.Writer, l language, f Finding) {
	severity := l.of(wordError)
	if f.Severity == Warning {
		severity = l.of(wordWarning)
	}
	fmt.Fprintf(w, "\n[%s] %s (%s)\n", severity, f.Title, f.ID)
	for _, s := range f.Evidence {
		fmt.Fprintf(w, "  %s: %s\n", l.of(wordSeen), s)
	}
	fmt.Fprintf(w, "  %s: %s\n", l.of(wordMeaning), f.Meaning)
	for _, s := range f.Advice {
		fmt.Fprintf(w, "  %s: %s\n", l.of(wordAdvice), s)
	}
}
