/* The digest of a connection: each phase, each end, and which of two ends counts. */
#include "trace/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

enum { MAX_FACTS = 14 };

/* clang-format off */
/* Facts in short. A client in front of a server, connection 1. */
#define TRIAL {.kind = TW_FACT_TRIAL, .field = "baseline", .text = "nothing"}
#define TCP(err) {.kind = TW_FACT_TCP, .field = "connect", .text = "192.0.2.1:443", .num = (err)}
#define TCP_LATE {.kind = TW_FACT_TCP, .field = "connect", .text = "192.0.2.1:443", .aux = 1}
#define MSG(who, type) {.kind = TW_FACT_MESSAGE, .from = (who), .msg = (type)}
#define CH MSG(TW_CLIENT, 1)
#define SH MSG(TW_SERVER, 2)
#define HRR MSG(TW_SERVER, 6)
#define CERT MSG(TW_SERVER, 11)
#define SHD MSG(TW_SERVER, 14)
#define NST MSG(TW_SERVER, 4)
#define VERSION(v) {.kind = TW_FACT_NEGOTIATED, .field = "version", .num = (v)}
#define V12 VERSION(0x0303)
#define V13 VERSION(0x0304)
#define CHECK(what, good)                                                                          \
    {.kind = TW_FACT_CHECK, .from = TW_SERVER, .field = (what), .num = (good)}
#define CV CHECK("certificate_verify", 1)
#define SF CHECK("finished", 1)
#define COMPLETE {.kind = TW_FACT_COMPLETE, .from = TW_CLIENT}
#define DATA {.kind = TW_FACT_APP_DATA, .from = TW_SERVER, .num = 5}
#define ALERT(who, level, what)                                                                    \
    {.kind = TW_FACT_ALERT, .from = (who), .num = (what), .aux = (level), .field = "plain"}
#define FATAL(what) ALERT(TW_SERVER, 2, what)
#define WARNING(what) ALERT(TW_SERVER, 1, what)
#define END(who, how) {.kind = TW_FACT_END, .from = (who), .field = (how)}
#define ERROR(err) {.kind = TW_FACT_END, .from = TW_NETWORK, .field = "error", .num = (err)}
#define FIN END(TW_SERVER, "fin")
#define RST END(TW_SERVER, "rst")
#define TIMEOUT END(TW_NETWORK, "timeout")
#define STOPPED END(TW_CLIENT, "stopped")
#define LOCAL(alert) {.kind = TW_FACT_LOCAL, .from = TW_CLIENT, .field = "x", .num = (alert)}
#define NOT_TLS {.kind = TW_FACT_NOT_TLS, .from = TW_SERVER}

struct digest_case {
    const char *name;
    enum tw_phase phase;
    enum tw_end end;
    int alert, warning, ours;
    size_t n;
    struct tw_fact facts[MAX_FACTS];
};

#define CASE(name, phase, end, alert, warning, ours, ...)                                          \
    {name, TW_PHASE_##phase, TW_END_##end, alert, warning, ours,                                   \
     sizeof((struct tw_fact[]){__VA_ARGS__}) / sizeof(struct tw_fact), {__VA_ARGS__}}

static const struct digest_case cases[] = {
    /* connecting */
    CASE("nothing yet", NONE, OPEN, -1, -1, -1, TRIAL),
    CASE("refused", NONE, REFUSED, -1, -1, -1, TRIAL, TCP(ECONNREFUSED)),
    CASE("no route", NONE, UNREACHABLE, -1, -1, -1, TRIAL, TCP(EHOSTUNREACH)),
    CASE("connect late", NONE, CONNECT_TIMEOUT, -1, -1, -1, TRIAL, TCP_LATE),
    CASE("connect ETIMEDOUT", NONE, CONNECT_TIMEOUT, -1, -1, -1, TRIAL, TCP(ETIMEDOUT)),
    CASE("connect reset", NONE, RST, -1, -1, -1, TRIAL, TCP(ECONNRESET)),
    CASE("refused tells more", NONE, REFUSED, -1, -1, -1, TCP(ENETUNREACH), TCP(ECONNREFUSED),
         TCP_LATE),
    CASE("connected", TCP, OPEN, -1, -1, -1, TRIAL, TCP(0)),
    CASE("second address", TCP, OPEN, -1, -1, -1, TRIAL, TCP(ECONNREFUSED), TCP(0)),
    CASE("reset before hello", TCP, RST, -1, -1, -1, TCP(0), RST),
    /* the transport ends it, at each phase */
    CASE("hello out", HELLO_SENT, OPEN, -1, -1, -1, TCP(0), CH),
    CASE("fin on hello", HELLO_SENT, FIN, -1, -1, -1, TCP(0), CH, FIN),
    CASE("rst on hello", HELLO_SENT, RST, -1, -1, -1, TCP(0), CH, RST),
    CASE("silence", HELLO_SENT, TIMEOUT, -1, -1, -1, TCP(0), CH, TIMEOUT),
    CASE("interrupted", HELLO_SENT, STOPPED, -1, -1, -1, TCP(0), CH, STOPPED),
    CASE("EPIPE", HELLO_SENT, RST, -1, -1, -1, TCP(0), CH, ERROR(EPIPE)),
    CASE("error ETIMEDOUT", HELLO_SENT, TIMEOUT, -1, -1, -1, TCP(0), CH, ERROR(ETIMEDOUT)),
    CASE("error no route", HELLO_SENT, UNREACHABLE, -1, -1, -1, TCP(0), CH, ERROR(EHOSTUNREACH)),
    CASE("after retry request", HELLO_SENT, RST, -1, -1, -1, TCP(0), CH, HRR, CH, RST),
    CASE("after ServerHello", SERVER_HELLO, FIN, -1, -1, -1, TCP(0), CH, SH, V12, FIN),
    CASE("rst after certificate", CERTIFICATE, RST, -1, -1, -1, TCP(0), CH, SH, V12, CERT, RST),
    CASE("after ServerHelloDone", KEY_EXCHANGE, RST, -1, -1, -1, TCP(0), CH, SH, V12, CERT, SHD,
         RST),
    CASE("after CertificateVerify", KEY_EXCHANGE, FIN, -1, -1, -1, TCP(0), CH, SH, V13, CERT, CV,
         FIN),
    CASE("bad CertificateVerify", CERTIFICATE, OPEN, -1, -1, -1, TCP(0), CH, SH, V13, CERT,
         CHECK("certificate_verify", 0)),
    CASE("after server's Finished", SERVER_FINISHED, RST, -1, -1, -1, TCP(0), CH, SH, V13, SF, RST),
    CASE("1.2 Finished is no 1.3 phase", SERVER_HELLO, RST, -1, -1, -1, TCP(0), CH, SH, V12, SF,
         RST),
    CASE("capture without TCP facts", SERVER_HELLO, OPEN, -1, -1, -1, CH, SH),
    CASE("client gives up in a capture", SERVER_HELLO, STOPPED, -1, -1, -1, CH, SH,
         END(TW_CLIENT, "fin"), RST),
    /* alerts */
    CASE("alert then fin", HELLO_SENT, ALERT, 40, -1, -1, TCP(0), CH, FATAL(40), FIN),
    CASE("alert then rst", HELLO_SENT, ALERT, 40, -1, -1, TCP(0), CH, FATAL(40), RST),
    CASE("alert read after the rst", HELLO_SENT, ALERT, 40, -1, -1, TCP(0), CH, RST, FATAL(40)),
    CASE("first of two alerts", HELLO_SENT, ALERT, 70, -1, -1, TCP(0), CH, FATAL(70), FATAL(40)),
    CASE("alert then local", HELLO_SENT, ALERT, 40, -1, 80, TCP(0), CH, FATAL(40), LOCAL(80)),
    CASE("local then alert", SERVER_HELLO, LOCAL, 10, -1, 47, TCP(0), CH, SH, LOCAL(47), FATAL(10)),
    CASE("alert then plaintext", HELLO_SENT, ALERT, 40, -1, -1, TCP(0), CH, FATAL(40), NOT_TLS),
    CASE("odd level is an error", HELLO_SENT, ALERT, 40, -1, -1, TCP(0), CH,
         ALERT(TW_SERVER, 7, 40)),
    CASE("warning, then on", CERTIFICATE, RST, -1, 112, -1, TCP(0), CH, WARNING(112), SH, V12, CERT,
         RST),
    CASE("warning, then gone", HELLO_SENT, ALERT, 40, 40, -1, TCP(0), CH, WARNING(40), FIN),
    CASE("warning and close_notify", HELLO_SENT, ALERT, 40, 40, -1, TCP(0), CH, WARNING(40),
         WARNING(0)),
    CASE("warning, then silence", HELLO_SENT, TIMEOUT, 112, 112, -1, TCP(0), CH, WARNING(112),
         TIMEOUT),
    CASE("warning, then fatal", HELLO_SENT, ALERT, 40, 112, -1, TCP(0), CH, WARNING(112), FATAL(40),
         FIN),
    CASE("close_notify instead of an answer", HELLO_SENT, FIN, 0, -1, -1, TCP(0), CH, WARNING(0)),
    CASE("close_notify and rst", HELLO_SENT, RST, 0, -1, -1, TCP(0), CH, WARNING(0), RST),
    CASE("fatal close_notify is none", HELLO_SENT, FIN, 0, -1, -1, TCP(0), CH, FATAL(0), FIN),
    CASE("1.3 warning is an error", SERVER_HELLO, ALERT, 112, -1, -1, TCP(0), CH, SH, V13,
         WARNING(112), FIN),
    CASE("1.3 user_canceled is none", CERTIFICATE, FIN, 0, 90, -1, TCP(0), CH, SH, V13,
         FATAL(90), CERT, WARNING(0), FIN),
    CASE("no alert description", HELLO_SENT, FIN, -1, -1, -1, TCP(0), CH, FATAL(300), FATAL(-2),
         FIN),
    /* no TLS */
    CASE("banner then fin", HELLO_SENT, NOT_TLS, -1, -1, -1, TCP(0), CH, NOT_TLS, FIN),
    CASE("fin then banner", HELLO_SENT, NOT_TLS, -1, -1, -1, TCP(0), CH, FIN, NOT_TLS),
    CASE("banner and local", HELLO_SENT, NOT_TLS, -1, -1, -1, TCP(0), CH, LOCAL(-1), NOT_TLS),
    CASE("banner without hello", TCP, NOT_TLS, -1, -1, -1, TCP(0), NOT_TLS),
    CASE("banner then alert", HELLO_SENT, NOT_TLS, 40, -1, -1, TCP(0), CH, NOT_TLS, FATAL(40)),
    /* our side */
    CASE("refused by us", SERVER_HELLO, LOCAL, -1, -1, 47, TCP(0), CH, SH, LOCAL(47), STOPPED),
    CASE("refused without alert", SERVER_HELLO, LOCAL, -1, -1, -1, TCP(0), CH, SH, LOCAL(-1), FIN),
    CASE("client's alert in a capture", CERTIFICATE, LOCAL, -1, -1, 48, CH, SH, V12, CERT,
         ALERT(TW_CLIENT, 2, 48), END(TW_CLIENT, "fin")),
    CASE("hung up, then said why", SERVER_HELLO, LOCAL, -1, -1, -1, TCP(0), CH, SH, STOPPED,
         LOCAL(-1)),
    CASE("server gone first", SERVER_HELLO, FIN, -1, -1, -1, TCP(0), CH, SH, FIN, LOCAL(-1)),
    CASE("client's close_notify", SERVER_HELLO, STOPPED, -1, -1, -1, TCP(0), CH, SH,
         ALERT(TW_CLIENT, 1, 0), STOPPED),
    /* complete */
    CASE("1.2 complete", CONFIRMED, OK, -1, -1, -1, TCP(0), CH, SH, V12, CERT, SHD, COMPLETE,
         STOPPED),
    CASE("1.2 complete then fin", CONFIRMED, OK, -1, -1, -1, CH, SH, V12, SHD, COMPLETE, FIN),
    CASE("1.3 complete", COMPLETE, OK, -1, -1, -1, TCP(0), CH, SH, V13, CERT, CV, SF, COMPLETE,
         STOPPED),
    CASE("1.3 complete, no answer", COMPLETE, OK, -1, -1, -1, CH, SH, V13, SF, COMPLETE, TIMEOUT),
    CASE("1.3 complete and open", COMPLETE, OK, -1, -1, -1, CH, SH, V13, SF, COMPLETE),
    CASE("1.3 ticket", CONFIRMED, OK, -1, -1, -1, CH, SH, V13, SF, COMPLETE, NST, FIN),
    CASE("1.3 data", CONFIRMED, OK, -1, -1, -1, CH, SH, V13, SF, COMPLETE, DATA, RST),
    CASE("1.3 server's own word", CONFIRMED, OK, -1, -1, -1, CH, SH, V13, SF, COMPLETE,
         {.kind = TW_FACT_COMPLETE, .from = TW_SERVER}),
    CASE("1.3 data before Finished", SERVER_FINISHED, RST, -1, -1, -1, CH, SH, V13, SF, DATA, RST),
    CASE("1.3 client not accepted", COMPLETE, ALERT, 116, -1, -1, CH, SH, V13, SF, COMPLETE,
         FATAL(116), FIN),
    CASE("1.3 alert after ticket", CONFIRMED, ALERT, 116, -1, -1, CH, SH, V13, SF, COMPLETE, NST,
         WARNING(116)),
    CASE("1.2 alert after data", CONFIRMED, ALERT, 40, -1, -1, CH, SH, V12, COMPLETE, DATA,
         FATAL(40)),
    CASE("1.3 cut off at once", COMPLETE, RST, -1, -1, -1, CH, SH, V13, SF, COMPLETE, RST),
    CASE("1.3 fin at once", COMPLETE, FIN, -1, -1, -1, CH, SH, V13, SF, COMPLETE, FIN),
    CASE("1.3 closed in order", COMPLETE, OK, -1, -1, -1, CH, SH, V13, SF, COMPLETE, WARNING(0),
         FIN),
    CASE("1.2 warning after it", CONFIRMED, OK, -1, 100, -1, CH, SH, V12, COMPLETE, WARNING(100)),
    CASE("plaintext after close_notify", CONFIRMED, OK, -1, -1, -1, CH, SH, V12, COMPLETE,
         WARNING(0), NOT_TLS),
    CASE("we refuse what follows", CONFIRMED, LOCAL, -1, -1, 20, CH, SH, V12, COMPLETE, LOCAL(20)),
};
/* clang-format on */

static struct tw_trace *trace_of(const struct tw_fact *facts, size_t n)
{
    struct tw_trace *t = tw_trace_new(1 << 20);
    assert_non_null(t);
    for (size_t i = 0; i < n; i++) {
        struct tw_fact f = facts[i];
        f.conn = 1;
        f.at = 1000 + i;
        assert_non_null(tw_trace_add(t, f));
    }
    /* another connection, which must not matter */
    tw_trace_add(t, (struct tw_fact){.conn = 2, .kind = TW_FACT_COMPLETE, .from = TW_SERVER});
    return t;
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        const struct digest_case *c = &cases[i];
        struct tw_trace *t = trace_of(c->facts, c->n);
        struct tw_conn_view v;
        tw_conn_digest(t, 1, &v);
        if (v.phase != c->phase || v.end != c->end || v.alert != c->alert ||
            v.warning_alert != c->warning || v.our_alert != c->ours)
            fail_msg("%s: phase %d end %d alert %d warning %d ours %d", c->name, (int)v.phase,
                     (int)v.end, v.alert, v.warning_alert, v.our_alert);
        assert_int_equal(v.ok, c->end == TW_END_OK);
        assert_int_equal(v.alert_fact != NULL, c->alert >= 0);
        tw_trace_free(t);
    }
}

static void test_phase_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        [TW_PHASE_NONE] = "tcp",
        [TW_PHASE_TCP] = "client_hello",
        [TW_PHASE_HELLO_SENT] = "server_hello",
        [TW_PHASE_SERVER_HELLO] = "certificate",
        [TW_PHASE_CERTIFICATE] = "key_exchange",
        [TW_PHASE_KEY_EXCHANGE] = "finished",
        [TW_PHASE_SERVER_FINISHED] = "finished",
        [TW_PHASE_COMPLETE] = "application",
        [TW_PHASE_CONFIRMED] = "application",
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(names); i++)
        assert_string_equal(tw_phase_name((enum tw_phase)i), names[i]);
}

static void test_values(void **state)
{
    (void)state;
    const uint8_t empty13[] = {0, 0, 0, 0}, some13[] = {0, 0, 0, 1, 0};
    /* clang-format off */
    struct tw_fact facts[] = {
        TRIAL,                                                                     /* 0 */
        TCP(0),
        CH,
        {.kind = TW_FACT_RECORD, .from = TW_SERVER, .num = 22},
        HRR,
        SH,                                                                        /* 5 */
        V13,
        {.kind = TW_FACT_NEGOTIATED, .field = "cipher", .num = 0x1301},
        {.kind = TW_FACT_NEGOTIATED, .field = "group", .num = 29},
        {.kind = TW_FACT_NEGOTIATED, .field = "signature", .num = 0x0804},
        {.kind = TW_FACT_NEGOTIATED, .field = "alpn", .text = "h2"},               /* 10 */
        {.kind = TW_FACT_NEGOTIATED, .field = "resumed", .num = 1},
        MSG(TW_SERVER, 13),
        MSG(TW_SERVER, 25),
        CERT,
        {.kind = TW_FACT_CERTIFICATE, .from = TW_SERVER, .num = 0},                /* 15 */
        {.kind = TW_FACT_CERTIFICATE, .from = TW_SERVER, .num = 1},
        CHECK("certificate_verify", 0),
        {.kind = TW_FACT_MESSAGE, .from = TW_CLIENT, .msg = 11, .data = {empty13, 4}},
        {.kind = TW_FACT_MALFORMED, .from = TW_SERVER, .msg = 8},
        {.kind = TW_FACT_UNEXPECTED, .from = TW_SERVER, .msg = 8},                 /* 20 */
        COMPLETE,
        NST,
        {.kind = TW_FACT_ALERT, .from = TW_SERVER, .num = 48, .aux = 2, .field = "protected"},
        FIN,
    };
    /* clang-format on */
    struct tw_trace *t = trace_of(facts, TW_ARRAY_LEN(facts));
    struct tw_conn_view v;
    tw_conn_digest(t, 1, &v);
    assert_int_equal(v.conn, 1);
    assert_string_equal(v.recipe, "baseline");
    assert_string_equal(v.changed, "nothing");
    assert_string_equal(v.address, "192.0.2.1:443");
    assert_int_equal(v.version, 0x0304);
    assert_int_equal(v.cipher, 0x1301);
    assert_int_equal(v.group, 29);
    assert_int_equal(v.sigscheme, 0x0804);
    assert_string_equal(v.alpn, "h2");
    assert_true(v.hello_retry && v.resumed && v.cert_request && v.tls13_ticket);
    assert_true(v.peer_sent_bytes && v.hello_sent && v.alert_protected);
    assert_false(v.client_cert_sent); /* the list was empty */
    assert_int_equal(v.alert_level, 2);
    assert_int_equal(v.server_certs, 2);
    assert_int_equal(v.tcp->n, 1);
    assert_int_equal(v.server_hello->n, 5);
    assert_int_equal(v.certificate_msg->n, 14);
    assert_int_equal(v.failed_check->n, 17);
    assert_int_equal(v.malformed->n, 19);
    assert_int_equal(v.unexpected->n, 20);
    assert_int_equal(v.alert_fact->n, 23);
    assert_int_equal(v.end_fact->n, 24);
    assert_null(v.not_tls);
    assert_null(v.local);
    assert_int_equal(v.started, 1000);
    assert_int_equal(v.connected, 1001);
    assert_int_equal(v.hello_at, 1002);
    assert_int_equal(v.first_byte, 1003);
    assert_int_equal(v.ended, 1023); /* the alert, not the FIN */
    tw_trace_free(t);

    facts[18].data = tw_view_of(some13, sizeof some13);
    t = trace_of(facts, TW_ARRAY_LEN(facts));
    tw_conn_digest(t, 1, &v);
    assert_true(v.client_cert_sent);
    tw_trace_free(t);
}

static void test_absent_connection(void **state)
{
    (void)state;
    struct tw_trace *t = trace_of(NULL, 0);
    struct tw_conn_view v;
    tw_conn_digest(t, 7, &v);
    assert_int_equal(v.phase, TW_PHASE_NONE);
    assert_int_equal(v.end, TW_END_OPEN);
    assert_string_equal(v.recipe, "");
    assert_null(v.alpn);
    assert_false(v.ok);
    assert_int_equal(tw_trace_conns(t), 2);
    tw_trace_free(t);
}

static void test_values_out_of_range(void **state)
{
    (void)state;
    const struct tw_fact facts[] = {
        {.kind = TW_FACT_NEGOTIATED, .field = "cipher", .num = 0x10000},
        {.kind = TW_FACT_NEGOTIATED, .field = "version", .num = -1},
        {.kind = TW_FACT_NEGOTIATED, .field = "group", .num = INT64_MAX},
    };
    struct tw_trace *t = trace_of(facts, TW_ARRAY_LEN(facts));
    struct tw_conn_view v;
    tw_conn_digest(t, 1, &v);
    assert_int_equal(v.cipher, 0);
    assert_int_equal(v.version, 0);
    assert_int_equal(v.group, 0);
    tw_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_phase_names),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_absent_connection),
        cmocka_unit_test(test_values_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
