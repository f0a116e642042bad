/*
 * Each protocol's dialogue against what real servers say: it comes to the expected end whether the
 * bytes arrive whole or one by one, leaves what follows alone, and survives every shorter prefix.
 */
#include "dialogue/dialogue.h"

#include <setjmp.h>
#include <cmocka.h>

enum { STEPS = 6 };

struct script {
    const char *name, *protocol;
    struct { const char *bytes; size_t n; } says[STEPS]; /* one for each time it is the server's turn */
    enum tw_dialogue_state end;
    const char *why;  /* part of the result's text */
};
#define SAY(s) {s, sizeof(s) - 1}

#define MYSQL(caps)                                                                                \
    "\x4a\0\0\0\x0a" "8.0.36\0\x08\0\0\0abcdefgh\0" caps "\xff\x02\0\xff\xc1\x15\0\0\0\0\0\0\0" \
    "\0\0\0ijklmnopqrst\0caching_sha2_password\0"

static const struct script scripts[] = {
    {"smtp", "smtp", {SAY("220-mail.example.test\r\n220 ESMTP\r\n"),
                      SAY("250-mail.example.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 DSN\r\n"),
                      SAY("220 2.0.0 Ready to start TLS\r\n")}, TW_DIALOGUE_READY, "TLS starts"},
    {"smtp, lower case", "smtp", {SAY("220 x\n"), SAY("250-x\n250 starttls\n"), SAY("220 go\n")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"smtp without", "smtp", {SAY("220 x\r\n"), SAY("250-x\r\n250 SIZE 10\r\n")},
     TW_DIALOGUE_REFUSED, "not among its capabilities"},
    {"smtp, key not loaded", "smtp", {SAY("220 x\r\n"), SAY("250-x\r\n250 STARTTLS\r\n"),
                                      SAY("454 4.7.0 TLS not available\r\n")},
     TW_DIALOGUE_REFUSED, "refuses STARTTLS"},
    {"smtp, banned", "smtp", {SAY("554 no\r\n")}, TW_DIALOGUE_REFUSED, "does not serve"},
    {"smtp is SSH", "smtp", {SAY("SSH-2.0-OpenSSH_9.2\r\n")}, TW_DIALOGUE_NOT_SPOKEN, "no SMTP"},
    {"smtp is TLS", "smtp", {SAY("\x15\3\1\0\2\2\x28")}, TW_DIALOGUE_NOT_SPOKEN, "first byte"},
    {"lmtp", "lmtp", {SAY("220 x\r\n"), SAY("250-x\r\n250 STARTTLS\r\n"), SAY("220 go\r\n")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"imap", "imap", {SAY("* OK ready\r\n"),
                      SAY("* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK done\r\n"),
                      SAY("a2 OK begin\r\n")}, TW_DIALOGUE_READY, "TLS starts"},
    {"imap without", "imap", {SAY("* OK ready\r\n"), SAY("* CAPABILITY IMAP4rev1\r\na1 OK\r\n")},
     TW_DIALOGUE_REFUSED, "not among its capabilities"},
    {"imap, bye", "imap", {SAY("* BYE too many\r\n")}, TW_DIALOGUE_REFUSED, "does not serve"},
    {"imap is POP3", "imap", {SAY("+OK hello\r\n")}, TW_DIALOGUE_NOT_SPOKEN, "no IMAP"},
    {"pop3", "pop3", {SAY("+OK\r\n"), SAY("+OK\r\nUIDL\r\nSTLS\r\n.\r\n"), SAY("+OK\r\n")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"pop3 without CAPA", "pop3", {SAY("+OK\r\n"), SAY("-ERR what\r\n"), SAY("+OK\r\n")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"pop3 without", "pop3", {SAY("+OK\r\n"), SAY("+OK\r\nUIDL\r\n.\r\n")}, TW_DIALOGUE_REFUSED,
     "not among its capabilities"},
    {"ftp", "ftp", {SAY("220-Welcome\r\n here\r\n220 x\r\n"), SAY("234 AUTH TLS ok\r\n")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"ftp without", "ftp", {SAY("220 x\r\n"), SAY("530 Please login\r\n")}, TW_DIALOGUE_REFUSED,
     "refuses AUTH TLS"},
    {"nntp", "nntp", {SAY("200 x\r\n"), SAY("101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n"),
                      SAY("382 go\r\n")}, TW_DIALOGUE_READY, "TLS starts"},
    {"sieve", "sieve", {SAY("\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK \"ready\"\r\n"),
                        SAY("OK \"begin\"\r\n")}, TW_DIALOGUE_READY, "TLS starts"},
    {"sieve without", "sieve", {SAY("\"IMPLEMENTATION\" \"x\"\r\nOK\r\n")}, TW_DIALOGUE_REFUSED,
     "not among its capabilities"},
    {"irc", "irc", {SAY(":irc NOTICE AUTH :*** Looking up\r\n:irc 670 * :go\r\n")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"irc without", "irc", {SAY(":irc 421 * STARTTLS :Unknown command\r\n")}, TW_DIALOGUE_REFUSED,
     "refuses STARTTLS"},
    {"xmpp", "xmpp", {SAY("<?xml version='1.0'?><stream:stream id='1'><stream:features>"
                          "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"),
                      SAY("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"xmpp without", "xmpp-server", {SAY("<stream:stream><stream:features></stream:features>")},
     TW_DIALOGUE_REFUSED, "not among its stream features"},
    {"xmpp, unknown host", "xmpp", {SAY("<stream:stream><stream:error><host-unknown/>"
                                        "</stream:error></stream:stream>")},
     TW_DIALOGUE_REFUSED, "with an error"},
    {"ldap", "ldap", {SAY("\x30\x0c\2\1\1\x78\7\x0a\1\0\4\0\4\0")}, TW_DIALOGUE_READY,
     "TLS starts"},
    {"ldap, long lengths", "ldap", {SAY("\x30\x84\0\0\0\x10\2\1\1\x78\x84\0\0\0\7\x0a\1\0\4\0\4\0")},
     TW_DIALOGUE_NOT_SPOKEN, "no LDAP message"}, /* length in 4 bytes is more than 24 bits */
    {"ldap, long lengths of 3", "ldap",
     {SAY("\x30\x83\0\0\x0f\2\1\1\x78\x83\0\0\7\x0a\1\0\4\0\4\0")}, TW_DIALOGUE_READY, "TLS starts"},
    {"ldap without", "ldap", {SAY("\x30\x0c\2\1\1\x78\7\x0a\1\2\4\0\4\0")}, TW_DIALOGUE_REFUSED,
     "refuses StartTLS"},
    {"postgres", "postgres", {SAY("S")}, TW_DIALOGUE_READY, "TLS starts"},
    {"postgres without", "postgres", {SAY("N")}, TW_DIALOGUE_REFUSED, "switched off"},
    {"postgres is HTTP", "postgres", {SAY("HTTP/1.1 400 Bad Request\r\n")}, TW_DIALOGUE_NOT_SPOKEN,
     "no PostgreSQL"},
    {"mysql", "mysql", {SAY(MYSQL("\xff\xff"))}, TW_DIALOGUE_READY, "TLS starts"},
    {"mysql without", "mysql", {SAY(MYSQL("\xff\xf7"))}, TW_DIALOGUE_REFUSED, "no SSL capability"},
    {"mysql, host blocked", "mysql", {SAY("\x0e\0\0\0\xff\x6a\4Host 'x' is")},
     TW_DIALOGUE_REFUSED, "does not serve"},
    {"mssql", "mssql", {SAY("\4\1\0\x1a\0\0\1\0\0\0\x0b\0\6\1\0\x11\0\1\xff\x10\0\0\0\0\0\1")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"mssql without", "mssql",
     {SAY("\4\1\0\x1a\0\0\1\0\0\0\x0b\0\6\1\0\x11\0\1\xff\x10\0\0\0\0\0\2")}, TW_DIALOGUE_REFUSED,
     "ENCRYPT_NOT_SUP"},
    {"rdp", "rdp", {SAY("\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\2\0\x08\0\1\0\0\0")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"rdp without certificate", "rdp", {SAY("\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\3\0\x08\0\3\0\0\0")},
     TW_DIALOGUE_REFUSED, "does not go on"},
    {"rdp, old", "rdp", {SAY("\3\0\0\x0b\6\xd0\0\0\x12\x34\0")}, TW_DIALOGUE_REFUSED,
     "standard RDP security"},
    {"vnc", "vnc", {SAY("RFB 003.008\n"), SAY("\2\1\x13"), SAY("\0\2"),
                    SAY("\0\2\0\0\1\1\0\0\1\4"), SAY("\1")}, TW_DIALOGUE_READY, "TLS starts"},
    {"vnc without", "vnc", {SAY("RFB 003.008\n"), SAY("\1\2")}, TW_DIALOGUE_REFUSED,
     "not among its security types"},
    {"connect", "http-proxy", {SAY("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")},
     TW_DIALOGUE_READY, "TLS starts"},
    {"connect 407", "http-proxy", {SAY("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")},
     TW_DIALOGUE_REFUSED, "password"},
    {"socks4a", "socks4a", {SAY("\0\x5a\0\0\0\0\0\0")}, TW_DIALOGUE_READY, "TLS starts"},
    {"socks5", "socks5", {SAY("\5\0"), SAY("\5\0\0\1\x7f\0\0\1\1\xbb")}, TW_DIALOGUE_READY,
     "TLS starts"},
    {"socks5, name in the reply", "socks5", {SAY("\5\0"), SAY("\5\5\0\3\2ab\1\xbb")},
     TW_DIALOGUE_REFUSED, "refuses the connection"},
};

struct run {
    struct tw_trace *trace;
    struct tw_dialogue *d;
    enum tw_dialogue_state state;
};

static struct run begin(const char *protocol)
{
    struct run r = {.trace = tw_trace_new(1 << 20)};
    struct tw_dialogue_config cfg = {.protocol = tw_protocol_by_name(protocol),
                                     .host = "www.example.test", .port = 443, .trace = r.trace,
                                     .conn = 1};
    assert_non_null(r.trace);
    assert_non_null(cfg.protocol);
    r.d = tw_dialogue_new(&cfg, 0);
    assert_non_null(r.d);
    tw_dialogue_sent(r.d);
    return r;
}

static void end(struct run *r)
{
    tw_dialogue_free(r->d);
    tw_trace_free(r->trace);
}

/* Feeds in own allocations, so that an overrun is seen. @return bytes used */
static size_t feed(struct run *r, const char *bytes, size_t n, size_t step)
{
    size_t used_in_all = 0;
    for (size_t at = 0; at < n && r->state == TW_DIALOGUE_GOING_ON; at += step) {
        size_t len = n - at < step ? n - at : step, used;
        uint8_t *own = malloc(len);
        assert_non_null(own);
        memcpy(own, bytes + at, len);
        r->state = tw_dialogue_feed(r->d, at, tw_view_of(own, len), &used);
        free(own);
        tw_dialogue_sent(r->d);
        used_in_all += used;
    }
    return used_in_all;
}

static void play(const struct script *s, size_t step)
{
    struct run r = begin(s->protocol);
    for (size_t i = 0; i < STEPS && s->says[i].n > 0; i++) {
        if (r.state != TW_DIALOGUE_GOING_ON)
            fail_msg("%s: ended before step %zu", s->name, i);
        feed(&r, s->says[i].bytes, s->says[i].n, step);
    }
    const struct tw_fact *result = tw_trace_last(r.trace, 1, TW_FACT_DIALOGUE, "result");
    if (r.state != s->end || result == NULL || strstr(result->text, s->why) == NULL)
        fail_msg("%s, %zu bytes at a time: state %d, %s", s->name, step, (int)r.state,
                 result == NULL ? "no result" : result->text);
    end(&r);
}

static void every_script_whole_and_in_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(scripts); i++)
        for (size_t step = 1; step <= 65536; step = step == 1 ? 3 : step == 3 ? 65536 : 65537)
            play(&scripts[i], step);
}

static void every_prefix_ends_without_a_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(scripts); i++) {
        const struct script *s = &scripts[i];
        for (size_t cut = 0; cut < s->says[0].n; cut++) {
            struct run r = begin(s->protocol);
            feed(&r, s->says[0].bytes, cut, 65536);
            enum tw_dialogue_state st = tw_dialogue_end(r.d, 1, "fin");
            assert_int_not_equal(st, TW_DIALOGUE_GOING_ON);
            if (s->end == TW_DIALOGUE_READY)
                assert_int_not_equal(st, TW_DIALOGUE_READY);
            end(&r);
        }
    }
}

static void what_follows_is_left_for_tls(void **state)
{
    (void)state;
    static const char bytes[] = "S\x16\3\3\0\1x";
    struct run r = begin("postgres");
    assert_int_equal(feed(&r, bytes, sizeof bytes - 1, 65536), 1);
    assert_int_equal(r.state, TW_DIALOGUE_READY);
    end(&r);
}

static void endless_talk_is_bounded(void **state)
{
    (void)state;
    static char line[4096];
    memset(line, 'x', sizeof line);
    memcpy(line, "250-", 4);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    struct run r = begin("smtp");
    feed(&r, "220 x\r\n", 7, 65536);
    for (int i = 0; i < 64 && r.state == TW_DIALOGUE_GOING_ON; i++)
        feed(&r, line, sizeof line, 65536);
    assert_int_equal(r.state, TW_DIALOGUE_NOT_SPOKEN);
    end(&r);
}

static void control_characters_do_not_reach_the_trace_text(void **state)
{
    (void)state;
    struct run r = begin("smtp");
    feed(&r, "220 \x1b[31mred\x07\r\n", 15, 65536);
    const struct tw_fact *f = tw_trace_first(r.trace, 1, TW_FACT_DIALOGUE, "greeting");
    assert_non_null(f);
    assert_string_equal(f->text, "220 .[31mred.");
    end(&r);
}

static void tds_frames_and_unframes(void **state)
{
    (void)state;
    struct run r = begin("mssql");
    struct tw_buf wire, tls;
    uint8_t record[9000];
    tw_buf_init(&wire, 1 << 16);
    tw_buf_init(&tls, 1 << 16);
    for (size_t i = 0; i < sizeof record; i++)
        record[i] = (uint8_t)i;
    tw_dialogue_wrap(r.d, tw_view_of(record, sizeof record), &wire);
    assert_int_equal(wire.len, sizeof record + 3 * 8);
    assert_int_equal(wire.data[1], 0); /* more follows */
    for (size_t at = 0; at < wire.len; at += 7)
        assert_true(tw_dialogue_unwrap(r.d, tw_view_sub(tw_buf_view(&wire), at, 7), &tls));
    assert_true(tw_view_eq(tw_buf_view(&tls), tw_view_of(record, sizeof record)));
    tw_buf_cleanup(&wire);
    tw_buf_cleanup(&tls);
    end(&r);
}

static void a_host_name_cannot_break_out_of_xml(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(1 << 16);
    struct tw_dialogue_config cfg = {.protocol = tw_protocol_by_name("xmpp"),
                                     .host = "a'/><evil b='", .trace = t, .conn = 1};
    struct tw_dialogue *d = tw_dialogue_new(&cfg, 0);
    struct tw_view out = tw_dialogue_output(d);
    char text[1024];
    snprintf(text, sizeof text, "%.*s", (int)out.len, (const char *)out.data);
    assert_null(strstr(text, "<evil"));
    tw_dialogue_free(d);
    tw_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_whole_and_in_bytes),
        cmocka_unit_test(every_prefix_ends_without_a_verdict),
        cmocka_unit_test(what_follows_is_left_for_tls),
        cmocka_unit_test(endless_talk_is_bounded),
        cmocka_unit_test(control_characters_do_not_reach_the_trace_text),
        cmocka_unit_test(tds_frames_and_unframes),
        cmocka_unit_test(a_host_name_cannot_break_out_of_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
