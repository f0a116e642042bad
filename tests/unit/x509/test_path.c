/* Path search: order, cross-signs, loops, meshes, the store's settings, budgets, the cache. */
#include "pkix.h"

#include <time.h>

static struct make root_spec(void)
{
    return (struct make){.subject = "Root", .issuer = "Root", .key = 0, .by = 0, .ca = true};
}

static struct make inter_spec(void)
{
    return (struct make){.subject = "Inter", .issuer = "Root", .key = 1, .by = 0, .ca = true};
}

static struct make leaf_spec(void)
{
    return (struct make){.subject = "leaf", .issuer = "Inter", .key = 2, .by = 1,
                         .dns = "www.example.test"};
}

static void any_order(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct tw_view root = make(p, root_spec()), inter = make(p, inter_spec());
    struct tw_view sub = make(p, (struct make){.subject = "Sub", .issuer = "Inter", .key = 3, .by = 1,
                                               .ca = true});
    struct tw_view leaf = make(p, (struct make){.subject = "leaf", .issuer = "Sub", .key = 2, .by = 3});
    ask_open(p, &a, root);
    send(&a, leaf);
    send(&a, inter);
    send(&a, sub);
    find(p, &a);
    valid(&a);
    assert_int_equal(a.out->kept[0].n, 4);
    assert_true(noted(&a, TW_CHAIN_MISORDERED, 1));
    assert_true(noted(&a, TW_CHAIN_NEEDS_ORDER, -1));
    struct tw_buf pem;
    tw_buf_init(&pem, 65536);
    assert_true(tw_path_write_chain(a.out, &pem));
    struct tw_buf der;
    tw_buf_init(&der, 65536);
    size_t pos = 0, damaged = 0;
    assert_true(tw_pem_next_cert(tw_buf_view(&pem), &pos, &der, &damaged));
    assert_true(tw_view_eq(tw_buf_view(&der), leaf));
    der.len = 0;
    assert_true(tw_pem_next_cert(tw_buf_view(&pem), &pos, &der, &damaged));
    assert_true(tw_view_eq(tw_buf_view(&der), sub));
    der.len = 0;
    assert_true(tw_pem_next_cert(tw_buf_view(&pem), &pos, &der, &damaged));
    assert_true(tw_view_eq(tw_buf_view(&der), inter));
    assert_false(tw_pem_next_cert(tw_buf_view(&pem), &pos, &der, &damaged)); /* no root */
    tw_buf_cleanup(&pem);
    tw_buf_cleanup(&der);
    ask_close(&a);
}

static void what_is_missing(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct tw_view inter = make(p, inter_spec()), leaf = make(p, leaf_spec());
    ask_open(p, &a, make(p, root_spec()));
    send(&a, leaf);
    find(p, &a);
    only(&a, TW_PATH_MISSING_ISSUER);
    struct tw_buf pem;
    tw_buf_init(&pem, 65536);
    assert_false(tw_path_write_chain(a.out, &pem));
    tw_buf_cleanup(&pem);
    a.extra[a.req.extra_n++] = inter; /* fetched */
    find(p, &a);
    valid(&a);
    assert_int_equal(a.out->kept[0].steps[1].origin, TW_STEP_EXTRA);
    send(&a, make(p, root_spec())); /* any second certificate makes notes */
    find(p, &a);
    assert_true(noted(&a, TW_CHAIN_NEEDS_EXTRA, -1));
    ask_close(&a);
}

static void wrong_links(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct make other = inter_spec(), bad = leaf_spec();
    other.key = 4; /* the issuer's name, another key, and its identifier says so */
    bad.break_signature = true;
    ask_open(p, &a, make(p, root_spec()));
    send(&a, make(p, leaf_spec()));
    send(&a, make(p, other));
    find(p, &a);
    only(&a, TW_PATH_MISSING_ISSUER);
    assert_true(noted(&a, TW_CHAIN_WRONG_INTERMEDIATE, 1));
    a.req.certs_n = 0;
    send(&a, make(p, bad));
    send(&a, make(p, inter_spec()));
    find(p, &a);
    only(&a, TW_PATH_BAD_SIGNATURE);
    assert_int_equal(a.out->kept[0].n, 3); /* told with the path it would have had */
    ask_close(&a);
}

/* The certificate of the old root has expired; the leaf is good by the new one. */
static void expired_cross_sign(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct tw_view cross = make(p, (struct make){.subject = "Root", .issuer = "Old Root", .key = 0,
                                                 .by = 5, .ca = true, .from = -400, .to = -1});
    struct tw_view old = make(p, (struct make){.subject = "Old Root", .issuer = "Old Root", .key = 5,
                                               .by = 5, .ca = true, .from = -900, .to = -1});
    ask_open(p, &a, make(p, root_spec()));
    send(&a, make(p, leaf_spec()));
    send(&a, make(p, inter_spec()));
    send(&a, cross);
    send(&a, old);
    find(p, &a);
    valid(&a);
    assert_true(noted(&a, TW_CHAIN_PATH_CHOICE, 3));
    assert_true(a.out->n >= 2);
    const struct tw_path *other = &a.out->kept[1];
    assert_true(other->n == 4 && other->faults_n > 0);
    assert_true(noted(&a, TW_CHAIN_ROOT_SENT, 3));
    assert_true(noted(&a, TW_CHAIN_EXPIRED, 2));
    a.req.no_backtrack = true; /* the store is asked first, so this client is not misled */
    find(p, &a);
    valid(&a);
    ask_close(&a);
}

static void roots(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct tw_view stranger = make(p, (struct make){.subject = "Other", .issuer = "Other", .key = 6,
                                                    .by = 6, .ca = true});
    ask_open(p, &a, stranger);
    send(&a, make(p, (struct make){.subject = "self", .issuer = "self", .key = 2, .by = 2}));
    find(p, &a);
    only(&a, TW_PATH_SELF_SIGNED_LEAF);
    a.req.certs_n = 0;
    send(&a, make(p, leaf_spec()));
    send(&a, make(p, inter_spec()));
    send(&a, make(p, root_spec()));
    find(p, &a);
    only(&a, TW_PATH_UNKNOWN_ROOT);
    assert_int_equal(a.out->kept[0].n, 3);
    struct tw_trust *store = a.req.trust;
    a.req.trust = NULL;
    find(p, &a);
    only(&a, TW_PATH_NO_ANCHORS);
    a.req.trust = store;
    ask_close(&a);
}

static void intermediates_as_anchors(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    ask_open(p, &a, make(p, inter_spec()));
    send(&a, make(p, leaf_spec()));
    find(p, &a);
    valid(&a);
    a.req.no_partial = true;
    find(p, &a);
    only(&a, TW_PATH_MISSING_ISSUER);
    ask_close(&a);
}

static void times(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct make late = leaf_spec(), early = inter_spec();
    late.from = -90;
    late.to = -2;
    early.from = 3;
    early.to = 90;
    ask_open(p, &a, make(p, root_spec()));
    send(&a, make(p, late));
    send(&a, make(p, early));
    find(p, &a);
    assert_true(has(&a, TW_PATH_EXPIRED) && has(&a, TW_PATH_NOT_YET_VALID));
    a.req.certs_n = 0;
    send(&a, make(p, leaf_spec()));
    send(&a, make(p, inter_spec()));
    a.req.wall_time = NOW + 80 * DAY; /* notAfter is in it */
    find(p, &a);
    valid(&a);
    a.req.wall_time++;
    find(p, &a);
    assert_true(has(&a, TW_PATH_EXPIRED));
    ask_close(&a);
}

static void ca_rules(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct make m = inter_spec(), r = root_spec();
    r.path_len = 1; /* none below */
    ask_open(p, &a, make(p, r));
    send(&a, make(p, leaf_spec()));
    send(&a, make(p, m));
    find(p, &a);
    only(&a, TW_PATH_PATH_LEN);
    ask_close(&a);
    ask_open(p, &a, make(p, root_spec()));
    m.ca = false;
    send(&a, make(p, leaf_spec()));
    send(&a, make(p, m));
    find(p, &a);
    only(&a, TW_PATH_NOT_A_CA);
    m.ca = true;
    m.usage = TW_KU_CRL_SIGN;
    a.certs[1] = make(p, m);
    find(p, &a);
    only(&a, TW_PATH_KEY_USAGE);
    m.usage = TW_KU_CERT_SIGN;
    m.more = ext(p, OID("\x2a\x03\x04"), true, OID("\x05\x00"));
    a.certs[1] = make(p, m);
    find(p, &a);
    only(&a, TW_PATH_UNKNOWN_CRITICAL);
    m.more = ext(p, OID("\x2a\x03\x04"), false, OID("\x05\x00"));
    a.certs[1] = make(p, m);
    find(p, &a);
    valid(&a);
    ask_close(&a);
}

static struct tw_view eku(struct pkix *p, const char *last, size_t n)
{
    struct tw_view all = none();
    for (size_t i = 0; i < n; i++) {
        uint8_t oid[] = {0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, (uint8_t)last[i]};
        all = join(p, all, tw_view_of(oid, sizeof oid));
    }
    return ext(p, OID(ID_CE "\x25"), false, wrap(p, DER_SEQ, all, none()));
}

static void purposes(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct make l = leaf_spec(), i = inter_spec();
    ask_open(p, &a, make(p, root_spec()));
    l.more = eku(p, "\x02", 1);
    send(&a, make(p, l));
    send(&a, make(p, i));
    find(p, &a);
    only(&a, TW_PATH_EKU);
    a.req.purpose = TW_PURPOSE_CLIENT;
    find(p, &a);
    valid(&a);
    i.more = eku(p, "\x01", 1); /* nested: the CA is for servers only */
    a.certs[1] = make(p, i);
    find(p, &a);
    only(&a, TW_PATH_EKU);
    a.req.purpose = TW_PURPOSE_ANY;
    find(p, &a);
    valid(&a);
    a.req.purpose = TW_PURPOSE_SERVER;
    l.more = eku(p, "\x01\x02", 2);
    l.usage = TW_KU_NON_REPUDIATION;
    a.certs[0] = make(p, l);
    find(p, &a);
    only(&a, TW_PATH_KEY_USAGE);
    l.usage = TW_KU_DIGITAL_SIGNATURE;
    a.certs[0] = make(p, l);
    find(p, &a);
    valid(&a);
    ask_close(&a);
}

/* Sixty CAs that certify each other in all directions under one name, and none leads to the anchor. */
static void mesh(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct timespec start, end;
    ask_open(p, &a, make(p, (struct make){.subject = "Nowhere", .issuer = "Nowhere", .key = 7,
                                          .by = 7, .ca = true}));
    send(&a, make(p, (struct make){.subject = "leaf", .issuer = "Mesh 0", .key = 0, .by = 1,
                                   .no_ids = true}));
    for (unsigned i = 0; i < 60; i++) {
        char subject[16], issuer[16];
        snprintf(subject, sizeof subject, "Mesh %u", i % 5);
        snprintf(issuer, sizeof issuer, "Mesh %u", i / 5 % 5);
        send(&a, make(p, (struct make){.subject = subject, .issuer = issuer, .key = 1 + i % 6,
                                       .by = 1 + i / 6 % 6, .ca = true, .no_ids = true}));
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    find(p, &a);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_false(a.out->kept[0].anchored);
    assert_true(a.out->kept[0].faults_n > 0);
    assert_true(end.tv_sec - start.tv_sec < 10); /* a second without sanitizers; no timing here */
    ask_close(&a);
}

static void loop_with_a_way_out(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    ask_open(p, &a, make(p, root_spec()));
    send(&a, make(p, (struct make){.subject = "leaf", .issuer = "A", .key = 2, .by = 3}));
    send(&a, make(p, (struct make){.subject = "A", .issuer = "B", .key = 3, .by = 4, .ca = true}));
    send(&a, make(p, (struct make){.subject = "B", .issuer = "A", .key = 4, .by = 3, .ca = true}));
    send(&a, make(p, (struct make){.subject = "B", .issuer = "Root", .key = 4, .by = 0, .ca = true}));
    find(p, &a);
    valid(&a);
    assert_int_equal(a.out->kept[0].n, 4);
    ask_close(&a);
}

/* Of two paths the first has a fault: the search goes back for the other. */
static void backtracking(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct make bad = inter_spec();
    bad.more = ext(p, OID("\x2a\x03\x04"), true, OID("\x05\x00"));
    ask_open(p, &a, make(p, root_spec()));
    send(&a, make(p, leaf_spec()));
    send(&a, make(p, bad));
    send(&a, make(p, inter_spec()));
    find(p, &a);
    valid(&a);
    assert_int_equal(a.out->kept[0].steps[1].place, 2);
    a.req.no_backtrack = true;
    find(p, &a);
    only(&a, TW_PATH_UNKNOWN_CRITICAL);
    ask_close(&a);
}

static void duplicates_and_strangers(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct tw_view inter = make(p, inter_spec());
    ask_open(p, &a, make(p, root_spec()));
    send(&a, make(p, leaf_spec()));
    send(&a, inter);
    send(&a, inter);
    send(&a, make(p, (struct make){.subject = "Stranger", .issuer = "Elsewhere", .key = 6, .by = 6,
                                   .ca = true}));
    find(p, &a);
    valid(&a);
    assert_true(noted(&a, TW_CHAIN_DUPLICATE, 2));
    assert_true(noted(&a, TW_CHAIN_SUPERFLUOUS, 3));
    a.certs[0] = inter;
    a.certs[1] = make(p, leaf_spec());
    a.req.certs_n = 2;
    find(p, &a);
    assert_true(noted(&a, TW_CHAIN_LEAF_NOT_FIRST, 1));
    ask_close(&a);
}

static void cache(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    ask_open(p, &a, make(p, root_spec()));
    send(&a, make(p, leaf_spec()));
    send(&a, make(p, inter_spec()));
    a.req.cache = tw_sig_cache_new(64);
    assert_non_null(a.req.cache);
    find(p, &a);
    valid(&a);
    assert_int_equal(a.out->signatures, 2);
    find(p, &a);
    valid(&a);
    assert_int_equal(a.out->signatures, 0);
    struct make bad = leaf_spec();
    bad.break_signature = true;
    a.certs[0] = make(p, bad); /* never in the cache */
    find(p, &a);
    only(&a, TW_PATH_BAD_SIGNATURE);
    find(p, &a);
    only(&a, TW_PATH_BAD_SIGNATURE);
    tw_sig_cache_free(a.req.cache);
    ask_close(&a);
}

static void malformed_leaf(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct tw_view leaf = make(p, leaf_spec());
    ask_open(p, &a, make(p, root_spec()));
    send(&a, tw_view_sub(leaf, 0, leaf.len / 2));
    find(p, &a);
    only(&a, TW_PATH_MALFORMED);
    a.req.certs_n = 0;
    assert_int_equal(tw_path_find(&a.req, p->arena, &a.out), TW_OK);
    assert_int_equal(a.out->n, 0);
    ask_close(&a);
}

static void facts(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct make late = leaf_spec();
    late.from = -90;
    late.to = -2;
    struct tw_trace *t = tw_trace_new(1 << 20);
    ask_open(p, &a, make(p, root_spec()));
    send(&a, make(p, late));
    send(&a, make(p, inter_spec()));
    a.req.name = "mail.example.test";
    assert_int_equal(tw_path_explain(&a.req, t, 3, 17), TW_OK);
    const struct tw_fact *f = tw_trace_first(t, 3, TW_FACT_PATH, "expired");
    assert_non_null(f);
    assert_int_equal(f->num, TW_PATH_EXPIRED);
    assert_int_equal(f->aux, 0);
    assert_non_null(strstr(f->text, "notAfter"));
    f = tw_trace_first(t, 3, TW_FACT_PATH, "name_mismatch");
    assert_non_null(f);
    assert_string_equal(f->text, "www.example.test");
    assert_null(tw_trace_first(t, 3, TW_FACT_PATH, "ok"));
    f = tw_trace_last(t, 3, TW_FACT_PATH_CERT, NULL);
    assert_int_equal(f->num, 2);
    assert_int_equal(f->aux, 1); /* from the store */
    tw_trace_free(t);
    ask_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),          cmocka_unit_test(what_is_missing),
        cmocka_unit_test(wrong_links),        cmocka_unit_test(expired_cross_sign),
        cmocka_unit_test(roots),              cmocka_unit_test(intermediates_as_anchors),
        cmocka_unit_test(times),              cmocka_unit_test(ca_rules),
        cmocka_unit_test(purposes),           cmocka_unit_test(mesh),
        cmocka_unit_test(loop_with_a_way_out), cmocka_unit_test(backtracking),
        cmocka_unit_test(duplicates_and_strangers), cmocka_unit_test(cache),
        cmocka_unit_test(malformed_leaf),     cmocka_unit_test(facts),
    };
    return cmocka_run_group_tests_name("path", tests, pkix_open, pkix_close);
}
