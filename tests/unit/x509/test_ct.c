/* CT: lists and timestamps read and verified, log lists, and the policies of browsers counted. */
#include "status_fixture.h"

#include "x509/ct.h"

enum { LOGS = 4 };

struct log {
    struct tw_privkey *key;
    uint8_t id[TW_HASH_MAX];
    struct tw_buf spki;
};

static struct log logs[LOGS];

static void put_base64(struct tw_buf *out, struct tw_view v)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < v.len; i += 3) {
        uint32_t x = (uint32_t)v.data[i] << 16;
        x |= i + 1 < v.len ? (uint32_t)v.data[i + 1] << 8 : 0u;
        x |= i + 2 < v.len ? v.data[i + 2] : 0u;
        tw_wr_u8(out, (unsigned char)digits[x >> 18]);
        tw_wr_u8(out, (unsigned char)digits[x >> 12 & 63]);
        tw_wr_u8(out, i + 1 < v.len ? (unsigned char)digits[x >> 6 & 63] : '=');
        tw_wr_u8(out, i + 2 < v.len ? (unsigned char)digits[x & 63] : '=');
    }
}

/* Logs 0 and 1 are of one operator, 2 and 3 of others; 3 was retired at a time in 2025. */
static struct tw_log_list *list_of_logs(struct pki *p)
{
    static const char *const operators[] = {"A", "A", "B", "C"};
    struct tw_buf b;
    struct tw_log_list *l;
    const char *why;
    tw_buf_init(&b, 65536);
    tw_buf_str(&b, "{\"log_list_timestamp\":\"2025-11-01T00:00:00Z\",\"operators\":[");
    for (size_t i = 0; i < LOGS; i++) {
        const char *state = i == 3 ? "retired" : "usable";
        tw_buf_printf(&b, "%s{\"name\":\"%s\",\"logs\":[{\"description\":\"log %zu\",\"state\":{\"%s\":"
                          "{\"timestamp\":\"2025-11-20T00:00:00Z\"}},\"log_id\":\"",
                      i > 0 ? "," : "", operators[i], i, state);
        put_base64(&b, tw_view_of(logs[i].id, 32));
        tw_buf_str(&b, "\",\"key\":\"");
        put_base64(&b, tw_buf_view(&logs[i].spki));
        tw_buf_str(&b, "\"}]}");
    }
    tw_buf_str(&b, "]}");
    assert_int_equal(tw_log_list_parse(tw_buf_view(&b), &l, &why), TW_OK);
    tw_buf_cleanup(&b);
    return l;
}

static int open_all(void **state)
{
    pki_open(state);
    struct pki *p = *state;
    for (size_t i = 0; i < LOGS; i++) {
        tw_buf_init(&logs[i].spki, 1024);
        logs[i].key = tw_make_privkey(p->c, TW_MAKE_P256);
        assert_true(p->c->privkey_spki(logs[i].key, &logs[i].spki));
        struct tw_view v = tw_buf_view(&logs[i].spki);
        p->c->digest(p->c->ctx, TW_HASH_SHA256, &v, 1, logs[i].id);
    }
    return 0;
}

static int close_all(void **state)
{
    struct pki *p = *state;
    for (size_t i = 0; i < LOGS; i++) {
        p->c->privkey_free(logs[i].key);
        tw_buf_cleanup(&logs[i].spki);
    }
    return pki_close(state);
}

static void put_sct(struct pki *p, const struct log *log, int64_t at, struct tw_buf *out)
{
    struct tw_buf sig;
    tw_buf_init(&sig, 1024);
    uint64_t ms = (uint64_t)at * 1000;
    assert_true(tw_sct_sign(p->c, log->key, &p->leaf.cert, &p->root.cert, ms, &sig));
    tw_wr_u8(out, 0);
    tw_wr_bytes(out, tw_view_of(log->id, 32));
    tw_wr_uint(out, 8, ms);
    tw_wr_u16(out, 0);
    tw_wr_u16(out, 0x0403);
    tw_wr_vec(out, 2, tw_buf_view(&sig));
    tw_buf_cleanup(&sig);
}

static enum tw_sct_state verify(struct pki *p, const struct tw_log_list *l, struct tw_view raw,
                                const struct tw_cert *cert, const struct tw_cert *issuer)
{
    struct tw_sct_seen s;
    tw_sct_verify(p->c, cert, issuer, l, TW_SCT_EMBEDDED, raw, NOW, &s);
    return s.state;
}

static void test_verify(void **state)
{
    struct pki *p = *state;
    struct tw_log_list *l = list_of_logs(p);
    struct tw_buf sct;
    struct tw_cert other = p->leaf.cert;
    tw_buf_init(&sct, 4096);
    put_sct(p, &logs[0], NOW - DAY, &sct);
    assert_int_equal(verify(p, l, tw_buf_view(&sct), &p->leaf.cert, &p->root.cert), TW_SCT_VALID);
    assert_int_equal(verify(p, l, tw_buf_view(&sct), &p->sub.cert, &p->root.cert),
                     TW_SCT_BAD_SIGNATURE);
    assert_int_equal(verify(p, l, tw_buf_view(&sct), &other, &p->other.cert), TW_SCT_BAD_SIGNATURE);
    assert_int_equal(verify(p, l, tw_buf_view(&sct), &other, NULL), TW_SCT_NO_ISSUER);
    assert_int_equal(verify(p, NULL, tw_buf_view(&sct), &other, NULL), TW_SCT_UNCHECKED);
    sct.data[1] ^= 1;
    assert_int_equal(verify(p, l, tw_buf_view(&sct), &other, NULL), TW_SCT_UNKNOWN_LOG);
    tw_buf_cleanup(&sct);
    put_sct(p, &logs[0], NOW + DAY, &sct);
    assert_int_equal(verify(p, l, tw_buf_view(&sct), &p->leaf.cert, &p->root.cert), TW_SCT_FUTURE);
    for (size_t n = 0; n < sct.len; n++)
        assert_int_equal(verify(p, l, tw_view_of(sct.data, n), &p->leaf.cert, &p->root.cert),
                         TW_SCT_MALFORMED);
    tw_buf_cleanup(&sct);
    tw_log_list_free(l);
}

/* The certificate with the list in it verifies: taking the list out gives what was signed. */
static void test_embedded(void **state)
{
    struct pki *p = *state;
    struct tw_log_list *l = list_of_logs(p);
    struct tw_buf list, first, last;
    struct tw_view raw;
    struct tw_cert cert;
    static const char *const names[] = {"ct.example.test"};
    struct tw_make_cert spec = {.subject_cn = "ct", .dns = names, .dns_n = 1, .path_len = -1,
                                .not_before = NOW - DAY, .not_after = NOW + DAY, .serial = 77,
                                .hash = TW_HASH_SHA256};
    tw_buf_init(&list, 8192);
    tw_buf_init(&first, 8192);
    tw_buf_init(&last, 8192);
    struct tw_view by = tw_buf_view(&p->root.der);
    assert_int_equal(tw_make_certificate(p->c, &spec, p->leaf.key, by, p->root.key, &first), TW_OK);
    assert_true(tw_cert_parse(tw_buf_view(&first), &cert));
    struct tw_cert leaf = p->leaf.cert;
    p->leaf.cert = cert;
    size_t all = tw_wr_open(&list, 2);
    for (size_t i = 0; i < 2; i++) {
        size_t one = tw_wr_open(&list, 2);
        put_sct(p, &logs[i * 2], NOW - HOUR, &list);
        tw_wr_close(&list, one, 2);
    }
    tw_wr_close(&list, all, 2);
    p->leaf.cert = leaf;
    spec.scts = tw_buf_view(&list);
    assert_int_equal(tw_make_certificate(p->c, &spec, p->leaf.key, by, p->root.key, &last), TW_OK);
    assert_true(tw_cert_parse(tw_buf_view(&last), &cert));
    assert_true(tw_view_eq(tw_cert_sct_list(&cert), tw_buf_view(&list)));
    for (size_t i = 0; i < 2; i++) {
        assert_true(tw_sct_list_at(tw_cert_sct_list(&cert), i, &raw));
        assert_int_equal(verify(p, l, raw, &cert, &p->root.cert), TW_SCT_VALID);
    }
    assert_false(tw_sct_list_at(tw_cert_sct_list(&cert), 2, &raw));
    tw_buf_cleanup(&list);
    tw_buf_cleanup(&first);
    tw_buf_cleanup(&last);
    tw_log_list_free(l);
}

static void test_log_list(void **state)
{
    struct tw_log_list *l = list_of_logs(*state);
    assert_int_equal(tw_log_list_count(l), LOGS);
    assert_string_equal(tw_log_list_date(l), "2025-11-01T00:00:00Z");
    const struct tw_log *log = tw_log_find(l, tw_view_of(logs[3].id, 32));
    assert_non_null(log);
    assert_int_equal(log->state, TW_LOG_RETIRED);
    assert_int_equal(log->state_since, 1763596800);
    assert_string_equal(log->operator_, "C");
    tw_log_list_free(l);
    static const char *const bad[] = {"", "[]", "{", "{}", "{\"operators\":[{\"logs\":[{}]}]}",
                                      "{\"operators\":[{\"name\":\"x\",\"logs\":[{\"log_id\":\"AA==\","
                                      "\"key\":\"AA==\"}]}]}"};
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++) {
        const char *why = NULL;
        assert_int_equal(tw_log_list_parse(tw_view_str(bad[i]), &l, &why), TW_E_INPUT);
        assert_non_null(why);
        assert_null(l);
    }
}

/* ---- policies ---------------------------------------------------------------------------------------- */

static const struct tw_ct_policy *policy(const char *browser)
{
    for (size_t i = 0; tw_ct_policy_at(i) != NULL; i++)
        if (strcmp(tw_ct_policy_at(i)->browser, browser) == 0)
            return tw_ct_policy_at(i);
    return NULL;
}

static struct tw_ct_verdict judge(const char *browser, struct tw_log_list *l, int64_t days,
                                  const char *which, enum tw_sct_source source, int64_t at)
{
    struct tw_sct_seen s[8];
    struct tw_ct_verdict v;
    struct tw_cert cert = {.not_before = NOW, .not_after = NOW + days * DAY - 1};
    size_t n = 0;
    for (; which[n] != '\0'; n++) {
        size_t i = (size_t)(which[n] - '0');
        s[n] = (struct tw_sct_seen){.source = source, .state = TW_SCT_VALID,
                                    .log = tw_log_find(l, tw_view_of(logs[i].id, 32))};
        s[n].sct.log_id = tw_view_of(logs[i].id, 32);
        s[n].sct.timestamp = (uint64_t)at * 1000;
    }
    tw_ct_judge(policy(browser), &cert, s, n, &v);
    return v;
}
#define EMBEDDED(b, days, which) judge(b, l, days, which, TW_SCT_EMBEDDED, NOW - DAY)

static void test_policies(void **state)
{
    struct tw_log_list *l = list_of_logs(*state);
    assert_true(EMBEDDED("Chrome", 90, "02").satisfied);
    assert_false(EMBEDDED("Chrome", 90, "0").satisfied);
    assert_false(EMBEDDED("Chrome", 90, "00").satisfied);   /* one log twice */
    assert_false(EMBEDDED("Chrome", 90, "01").satisfied);   /* one operator */
    assert_true(EMBEDDED("Chrome", 180, "02").satisfied);
    assert_false(EMBEDDED("Chrome", 181, "02").satisfied);  /* three are needed then */
    assert_int_equal(EMBEDDED("Chrome", 181, "02").needed, 3);
    assert_true(EMBEDDED("Chrome", 181, "012").satisfied);
    assert_true(EMBEDDED("Apple", 181, "012").satisfied);   /* two of one operator may count */
    assert_false(EMBEDDED("Apple", 90, "01").satisfied);
    assert_int_equal(EMBEDDED("Apple", 90, "01").counted, 1);
    /* a retired log counts for timestamps from before, beside one that is trusted today */
    int64_t before = 1763596800 - DAY, after = 1763596800 + DAY;
    assert_true(judge("Chrome", l, 90, "03", TW_SCT_EMBEDDED, before).satisfied);
    assert_false(judge("Chrome", l, 90, "03", TW_SCT_EMBEDDED, after).satisfied);
    assert_false(judge("Chrome", l, 90, "3", TW_SCT_EMBEDDED, before).satisfied);
    /* delivered ones must be of logs that are trusted today */
    assert_true(judge("Chrome", l, 300, "02", TW_SCT_TLS, before).satisfied);
    assert_false(judge("Chrome", l, 300, "03", TW_SCT_OCSP, before).satisfied);
    assert_false(EMBEDDED("Chrome", 90, "").satisfied);
    tw_log_list_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify), cmocka_unit_test(test_embedded),
        cmocka_unit_test(test_log_list), cmocka_unit_test(test_policies),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
