/* Name constraints: each form of name, permitted and excluded, wildcards, malformed ones, bounds. */
#include "pkix.h"

struct trial {
    const char *what;
    uint8_t base_tag;           /* context tag of the constraint */
    const char *base; size_t base_n;
    bool excluded;
    uint8_t name_tag;
    const char *name; size_t name_n;
    bool fits;
};
#define T(w, bt, b, ex, nt, n, ok) {w, bt, b, sizeof(b) - 1, ex, nt, n, sizeof(n) - 1, ok}

static const struct trial trials[] = {
    T("the host itself", 0x82, "example.test", false, 0x82, "example.test", true),
    T("below it", 0x82, "example.test", false, 0x82, "a.b.example.test", true),
    T("any case", 0x82, "Example.TEST", false, 0x82, "www.example.test", true),
    T("not by its letters alone", 0x82, "example.test", false, 0x82, "notexample.test", false),
    T("another", 0x82, "example.test", false, 0x82, "example.org", false),
    T("empty permits all", 0x82, "", false, 0x82, "example.org", true),
    T("empty excludes all", 0x82, "", true, 0x82, "example.org", false),
    T("excluded", 0x82, "example.test", true, 0x82, "www.example.test", false),
    T("not excluded", 0x82, "example.test", true, 0x82, "example.org", true),
    T("leading dot: below", 0x82, ".example.test", false, 0x82, "www.example.test", true),
    T("leading dot: not itself", 0x82, ".example.test", false, 0x82, "example.test", false),
    T("wildcard below", 0x82, "example.test", false, 0x82, "*.example.test", true),
    T("wildcard reaches too far", 0x82, "www.example.test", false, 0x82, "*.example.test", false),
    T("wildcard may mean the excluded", 0x82, "www.example.test", true, 0x82, "*.example.test", false),
    T("wildcard cannot mean it", 0x82, "a.www.example.test", true, 0x82, "*.example.test", true),
    T("malformed name", 0x82, "example.test", false, 0x82, ".example.test", false),
    T("malformed base", 0x82, "*.example.test", true, 0x82, "www.example.org", false),
    T("address inside", 0x87, "\x0a\x00\x00\x00\xff\x00\x00\x00", false, 0x87, "\x0a\x01\x02\x03", true),
    T("address outside", 0x87, "\x0a\x00\x00\x00\xff\x00\x00\x00", false, 0x87, "\x0b\x01\x02\x03",
      false),
    T("address excluded", 0x87, "\x0a\x00\x00\x00\xff\x00\x00\x00", true, 0x87, "\x0a\x01\x02\x03",
      false),
    T("other family", 0x87, "\x0a\x00\x00\x00\xff\x00\x00\x00", false, 0x87,
      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", false),
    T("mask with a hole", 0x87, "\x0a\x00\x00\x00\xff\x00\xff\x00", true, 0x87, "\x0b\x01\x02\x03",
      false),
    T("no mask", 0x87, "\x0a\x00\x00\x00", true, 0x87, "\x0b\x01\x02\x03", false),
    T("mailbox", 0x81, "a@example.test", false, 0x81, "a@EXAMPLE.test", true),
    T("mailbox: local part has case", 0x81, "a@example.test", false, 0x81, "A@example.test", false),
    T("all of a host", 0x81, "example.test", false, 0x81, "b@example.test", true),
    T("host: not below", 0x81, "example.test", false, 0x81, "b@mail.example.test", false),
    T("domain: below", 0x81, ".example.test", false, 0x81, "b@mail.example.test", true),
    T("domain: not itself", 0x81, ".example.test", false, 0x81, "b@example.test", false),
    T("asterisk is a letter", 0x81, "*@example.test", false, 0x81, "b@example.test", false),
    T("URI host", 0x86, "example.test", false, 0x86, "https://example.test/x", true),
    T("URI below", 0x86, ".example.test", false, 0x86, "https://u@www.example.test:8/x", true),
    T("URI other host", 0x86, "example.test", false, 0x86, "https://www.example.test/", false),
    T("URI without host", 0x86, "example.test", false, 0x86, "urn:x:y", false),
    T("URI with address", 0x86, ".test", true, 0x86, "https://10.0.0.1/", false),
    T("another form of name", 0x87, "\x0a\x00\x00\x00\xff\x00\x00\x00", false, 0x82, "example.org", true),
    T("a form that nobody can compare", 0x88, "\x2a\x03", true, 0x88, "\x2a\x04", false),
    T("that form is absent", 0x88, "\x2a\x03", true, 0x82, "example.org", true),
};

static struct tw_view constraint(struct pkix *p, uint8_t tag, struct tw_view base, bool excluded)
{
    struct tw_view sub = wrap(p, DER_SEQ, wrap(p, tag, base, none()), none());
    return ext(p, OID(ID_CE "\x1e"), true,
               wrap(p, DER_SEQ, wrap(p, excluded ? 0xa1 : 0xa0, sub, none()), none()));
}

static struct tw_view san(struct pkix *p, uint8_t tag, struct tw_view name)
{
    return ext(p, OID(ID_CE "\x11"), true, wrap(p, DER_SEQ, wrap(p, tag, name, none()), none()));
}

static void each_form(void **state)
{
    struct pkix *p = *state;
    for (size_t i = 0; i < TW_ARRAY_LEN(trials); i++) {
        const struct trial *t = &trials[i];
        struct ask a;
        struct make ca = {.subject = "CA", .issuer = "CA", .ca = true};
        struct make leaf = {.subject = "", .issuer = "CA", .key = 1};
        ca.more = constraint(p, t->base_tag, tw_view_of(t->base, t->base_n), t->excluded);
        leaf.more = san(p, t->name_tag, tw_view_of(t->name, t->name_n));
        ask_open(p, &a, make(p, ca));
        send(&a, make(p, leaf));
        find(p, &a);
        if (has(&a, TW_PATH_NAME_CONSTRAINTS) == t->fits)
            fail_msg("%s: %s", t->what, t->fits ? "was refused" : "was let through");
        assert_int_equal(a.out->kept[0].faults_n, !t->fits);
        ask_close(&a);
    }
}

/* Constraints of all CAs count; self-issued certificates in between are passed over. */
static void nested(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct make root = {.subject = "CA", .issuer = "CA", .ca = true};
    struct make mid = {.subject = "Mid", .issuer = "CA", .key = 1, .ca = true};
    struct make leaf = {.subject = "", .issuer = "Mid", .key = 2, .by = 1, .dns = "a.example.test"};
    root.more = constraint(p, 0x82, tw_view_str("example.test"), false);
    mid.more = constraint(p, 0x82, tw_view_str("b.example.test"), false);
    ask_open(p, &a, make(p, root));
    send(&a, make(p, leaf));
    send(&a, make(p, mid));
    find(p, &a);
    only(&a, TW_PATH_NAME_CONSTRAINTS);
    leaf.dns = "x.b.example.test";
    a.certs[0] = make(p, leaf);
    find(p, &a);
    valid(&a);
    mid.more = none();
    mid.dns = "other.test"; /* a CA's own name counts */
    a.certs[1] = make(p, mid);
    find(p, &a);
    only(&a, TW_PATH_NAME_CONSTRAINTS);
    mid.subject = "CA"; /* but not that of a self-issued one */
    leaf.issuer = "CA";
    a.certs[0] = make(p, leaf);
    a.certs[1] = make(p, mid);
    find(p, &a);
    valid(&a);
    ask_close(&a);
}

static void subject_counts(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct make ca = {.subject = "CA", .issuer = "CA", .ca = true};
    struct make leaf = {.subject = "www.example.org", .issuer = "CA", .key = 1};
    ca.more = constraint(p, 0x82, tw_view_str("example.test"), false);
    ask_open(p, &a, make(p, ca));
    send(&a, make(p, leaf)); /* no dNSName: some clients take the CN for one */
    find(p, &a);
    only(&a, TW_PATH_NAME_CONSTRAINTS);
    leaf.subject = "A person";
    a.certs[0] = make(p, leaf);
    find(p, &a);
    valid(&a);
    ask_close(&a);
    ca.more = constraint(p, 0xa4, dn(p, "A"), true);
    ask_open(p, &a, make(p, ca));
    leaf.subject = "a";
    send(&a, make(p, leaf));
    find(p, &a);
    only(&a, TW_PATH_NAME_CONSTRAINTS);
    ask_close(&a);
}

/* Names times constraints are counted, and a hostile product ends with a fault of its own. */
static void bounded(void **state)
{
    struct pkix *p = *state;
    struct ask a;
    struct tw_buf names, bases;
    tw_buf_init(&names, 1 << 20);
    tw_buf_init(&bases, 1 << 20);
    for (unsigned i = 0; i < 2000; i++) {
        char text[32];
        snprintf(text, sizeof text, "n%u.test", i);
        der_put(&names, 0x82, tw_view_str(text));
        struct tw_buf one;
        tw_buf_init(&one, 64);
        snprintf(text, sizeof text, "x%u.test", i);
        der_put(&one, 0x82, tw_view_str(text));
        der_put(&bases, DER_SEQ, tw_buf_view(&one));
        tw_buf_cleanup(&one);
    }
    struct make ca = {.subject = "CA", .issuer = "CA", .ca = true};
    struct make leaf = {.subject = "", .issuer = "CA", .key = 1};
    ca.more = ext(p, OID(ID_CE "\x1e"), true,
                  wrap(p, DER_SEQ, wrap(p, 0xa1, keep(p, &bases), none()), none()));
    leaf.more = ext(p, OID(ID_CE "\x11"), true, wrap(p, DER_SEQ, keep(p, &names), none()));
    ask_open(p, &a, make(p, ca));
    send(&a, make(p, leaf));
    find(p, &a);
    assert_true(has(&a, TW_PATH_LIMIT));
    ask_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_form), cmocka_unit_test(nested),
                                       cmocka_unit_test(subject_counts), cmocka_unit_test(bounded)};
    return cmocka_run_group_tests_name("constraints", tests, pkix_open, pkix_close);
}
