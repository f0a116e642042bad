/*
 * What reports are tested on: the saved traces of tests/rules, and a trace in which every text that
 * a peer or a saved file can set holds escape sequences, control characters, broken UTF-8 and what
 * reorders text on a screen.
 */
#ifndef TW_TEST_HOSTILE_H
#define TW_TEST_HOSTILE_H

#include "../x509/der_build.h"

#include "report/report.h"

#include <dirent.h>

/* ESC [2J, BEL, CSI as C1 in UTF-8, a lone continuation byte, an overlong slash, a surrogate,
 * RIGHT-TO-LEFT OVERRIDE, ZERO WIDTH SPACE, DEL, a newline and a tab */
#define EVIL                                                                                       \
    "a\x1b[2J\x07\xc2\x9b"                                                                         \
    "31m\xbf\xc0\xaf\xed\xa0\x80\xe2\x80\xae\xe2\x80\x8b\x7f\nb\tc"

struct judged {
    struct tw_trace *trace;
    struct tw_arena *arena;
    struct tw_diagnosis *d;
};

static inline void judge(struct judged *j)
{
    j->arena = tw_arena_new(8 << 20);
    j->d = calloc(1, sizeof *j->d);
    assert_non_null(j->arena);
    assert_non_null(j->d);
    assert_int_equal(tw_judge(j->trace, j->arena, j->d), TW_OK);
}

static inline void judged_drop(struct judged *j)
{
    free(j->d);
    tw_arena_free(j->arena);
    tw_trace_free(j->trace);
}

static inline void read_whole(const char *path, struct tw_buf *out)
{
    uint8_t part[65536];
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s cannot be opened", path);
    tw_buf_init(out, 16 << 20);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        assert_true(tw_buf_add(out, part, n));
    fclose(f);
}

static inline void load(struct judged *j, const char *path)
{
    struct tw_buf text;
    size_t line;
    const char *why;
    read_whole(path, &text);
    j->trace = tw_trace_new(64 << 20);
    assert_non_null(j->trace);
    if (tw_trace_load(j->trace, tw_buf_view(&text), &line, &why) != TW_OK)
        fail_msg("%s:%zu: %s", path, line, why);
    tw_buf_cleanup(&text);
    judge(j);
}

/** Calls fn for hit.jsonl and miss.jsonl of each cause. */
static inline size_t each_saved(void (*fn)(const struct judged *j, const char *name))
{
    static const char *const files[] = {"hit.jsonl", "miss.jsonl"};
    size_t n = 0;
    DIR *d = opendir(TW_TRACES);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        for (size_t i = 0; e->d_name[0] != '.' && i < 2; i++) {
            char path[1024];
            struct judged j;
            snprintf(path, sizeof path, "%s/%s/%s", TW_TRACES, e->d_name, files[i]);
            FILE *f = fopen(path, "rb");
            if (f == NULL)
                continue;
            fclose(f);
            load(&j, path);
            fn(&j, path + strlen(TW_TRACES) + 1);
            judged_drop(&j);
            n++;
        }
    closedir(d);
    return n;
}

static inline void setting(struct tw_trace *t, const char *field, const char *text, int64_t num)
{
    tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_SETTING, .field = field, .text = text,
                                     .num = num});
}

static inline void hostile_hello(struct tw_trace *t, uint32_t conn)
{
    static const uint8_t zeros[32];
    struct tw_hello h;
    struct tw_hello_secrets s = {.random = tw_view_of(zeros, 32)};
    struct tw_buf b;
    size_t binder;
    tw_hello_default(&h);
    tw_copy_str(h.server_name, sizeof h.server_name, EVIL);
    h.alpn_n = 1;
    tw_copy_str(h.alpn[0], sizeof h.alpn[0], "\x1b[2J\xff");
    tw_buf_init(&b, 1 << 16);
    assert_true(tw_hello_encode(&h, &s, &b, &binder));
    struct tw_note n = {.trace = t, .conn = conn, .at = 2000, .from = TW_CLIENT};
    tw_note_message(&n, TW_MSG_CLIENT_HELLO, tw_view_of(b.data + 4, b.len - 4));
    tw_buf_cleanup(&b);
}

static inline void hostile_server(struct tw_trace *t, uint32_t conn)
{
    struct tw_buf hello, names, der, msg;
    tw_buf_init(&hello, 1 << 12);
    tw_buf_init(&names, 1 << 12);
    tw_buf_init(&der, 1 << 14);
    tw_buf_init(&msg, 1 << 14);
    add_hex(&hello, "0303 000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f"
                    "00 c02f 00 000d 0010 0009 0007 06 1b5b324aff9b");
    struct tw_note n = {.trace = t, .conn = conn, .at = 3000, .from = TW_SERVER};
    tw_note_message(&n, TW_MSG_SERVER_HELLO, tw_buf_view(&hello));
    n.version = TW_TLS12;
    n.cipher = 0xc02f;
    put_tlv(&names, 0x82, tw_view_str(EVIL));
    put_tlv(&names, 0x86, tw_view_str(EVIL));
    put_cert(&der, &(struct cert_spec){.cn = EVIL, .issuer_cn = EVIL,
                                       .san = tw_buf_view(&names)});
    struct tw_view cert = tw_buf_view(&der);
    tw_certificate_encode(&msg, false, (struct tw_view){NULL, 0}, &cert, NULL, 1);
    tw_note_message(&n, TW_MSG_CERTIFICATE, tw_buf_view(&msg));
    tw_buf_cleanup(&hello);
    tw_buf_cleanup(&names);
    tw_buf_cleanup(&der);
    tw_buf_cleanup(&msg);
}

/** path: what is said to be wrong with the certificate; not_tls: the answer is clear text. */
static inline void make_hostile(struct judged *j, int path, const char *not_tls)
{
    struct tw_trace *t = tw_trace_new(1 << 22);
    assert_non_null(t);
    j->trace = t;
    static const char *const texts[] = {"input", "host", "server_name", "verify_name", "scheme",
                                        "policy"};
    for (size_t i = 0; i < TW_ARRAY_LEN(texts); i++)
        setting(t, texts[i], EVIL, 0);
    setting(t, "port", NULL, 443);
    setting(t, "wall_time", NULL, 1790000000);
    tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_DNS, .field = "A", .text = EVIL});
    static const char *const recipes[] = {"baseline", "wide", EVIL};
    for (uint32_t c = 1; c <= 3; c++) {
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_TRIAL, .conn = c,
                                         .field = recipes[c - 1], .text = EVIL});
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_TCP, .conn = c, .field = "connect",
                                         .text = EVIL, .at = 1000});
        hostile_hello(t, c);
        if (not_tls != NULL)
            tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_NOT_TLS, .conn = c,
                                             .from = TW_SERVER, .data = tw_view_str(not_tls)});
        else
            hostile_server(t, c);
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_NEGOTIATED, .conn = c, .field = EVIL,
                                         .text = EVIL, .from = TW_SERVER});
        if (path != 0)
            tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_PATH, .conn = c, .num = path,
                                             .field = tw_path_problem_name(
                                                 (enum tw_path_problem)path),
                                             .text = EVIL});
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_LOCAL, .conn = c, .field = EVIL,
                                         .text = EVIL, .num = 40});
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_UNEXPECTED, .conn = c, .msg = 2,
                                         .field = "message", .text = EVIL, .from = TW_SERVER});
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_END, .conn = c, .field = "fin",
                                         .text = EVIL, .from = TW_SERVER, .at = 9000});
    }
    judge(j);
}

/** Calls fn for hostile traces of each kind. */
static inline void each_hostile(void (*fn)(const struct judged *j, const char *name))
{
    static const char *const answers[] = {"HTTP/1.1 400 " EVIL "\r\n", "220 " EVIL " ESMTP\r\n",
                                          "SSH-2.0-" EVIL, EVIL};
    struct judged j;
    char name[64];
    for (int p = TW_PATH_OK; p <= TW_PATH_NO_ANCHORS; p++) {
        make_hostile(&j, p, NULL);
        snprintf(name, sizeof name, "hostile certificate, problem %d", p);
        fn(&j, name);
        judged_drop(&j);
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(answers); i++) {
        make_hostile(&j, 0, answers[i]);
        snprintf(name, sizeof name, "hostile answer %zu", i);
        fn(&j, name);
        judged_drop(&j);
    }
}

#endif
