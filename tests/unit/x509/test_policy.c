/* Certificate policies (RFC 5280 6.1): explicit, mapped, inhibited, anyPolicy, bounds. */
#include "pkix.h"

#define P1 "\x2a\x01"
#define P2 "\x2a\x02"
#define ANY "\x55\x1d\x20\x00"

static struct tw_view oid(struct pkix *p, struct tw_view v)
{
    return wrap(p, DER_OID, v, none());
}

static struct tw_view policy(struct pkix *p, struct tw_view v)
{
    return ext(p, OID(ID_CE "\x20"), false,
               wrap(p, DER_SEQ, wrap(p, DER_SEQ, oid(p, v), none()), none()));
}

static struct tw_view mapping(struct pkix *p, struct tw_view from, struct tw_view to)
{
    struct tw_view pair = wrap(p, DER_SEQ, oid(p, from), oid(p, to));
    return ext(p, OID(ID_CE "\x21"), true, wrap(p, DER_SEQ, pair, none()));
}

static struct tw_view constraints(struct pkix *p, int require, int inhibit)
{
    uint8_t r = (uint8_t)require, i = (uint8_t)inhibit;
    struct tw_view v = none();
    if (require >= 0)
        v = wrap(p, 0x80, tw_view_of(&r, 1), none());
    if (inhibit >= 0)
        v = join(p, v, wrap(p, 0x81, tw_view_of(&i, 1), none()));
    return ext(p, OID(ID_CE "\x24"), true, wrap(p, DER_SEQ, v, none()));
}

struct chain { struct ask a; struct make inter, leaf; };

static void chain_open(struct pkix *p, struct chain *c)
{
    *c = (struct chain){.inter = {.subject = "Inter", .issuer = "Root", .key = 1, .ca = true},
                        .leaf = {.subject = "leaf", .issuer = "Inter", .key = 2, .by = 1}};
    ask_open(p, &c->a, make(p, (struct make){.subject = "Root", .issuer = "Root", .ca = true}));
}

static bool passes(struct pkix *p, struct chain *c)
{
    c->a.req.certs_n = 0;
    send(&c->a, make(p, c->leaf));
    send(&c->a, make(p, c->inter));
    find(p, &c->a);
    bool ok = c->a.out->kept[0].faults_n == 0;
    assert_true(ok || has(&c->a, TW_PATH_POLICY));
    return ok;
}

static void explicit_policy(void **state)
{
    struct pkix *p = *state;
    struct chain c;
    chain_open(p, &c);
    assert_true(passes(p, &c)); /* nobody asks for one */
    c.a.req.explicit_policy = true;
    assert_false(passes(p, &c));
    c.inter.more = policy(p, OID(P1));
    c.leaf.more = policy(p, OID(P1));
    assert_true(passes(p, &c));
    c.leaf.more = policy(p, OID(P2));
    assert_false(passes(p, &c));
    c.inter.more = policy(p, OID(ANY));
    assert_true(passes(p, &c));
    c.a.req.inhibit_any = true;
    assert_false(passes(p, &c));
    c.a.req.inhibit_any = c.a.req.explicit_policy = false;
    c.inter.more = join(p, policy(p, OID(P1)), constraints(p, 0, -1));
    assert_false(passes(p, &c)); /* the CA asks */
    ask_close(&c.a);
}

static void wanted(void **state)
{
    struct pkix *p = *state;
    struct chain c;
    struct tw_view want = OID(P1);
    chain_open(p, &c);
    c.a.req.explicit_policy = true;
    c.a.req.policies = &want;
    c.a.req.policies_n = 1;
    c.inter.more = policy(p, OID(P1));
    c.leaf.more = policy(p, OID(P1));
    assert_true(passes(p, &c));
    want = OID(P2);
    assert_false(passes(p, &c));
    c.inter.more = policy(p, OID(ANY));
    c.leaf.more = policy(p, OID(ANY));
    assert_true(passes(p, &c));
    ask_close(&c.a);
}

static void mapped(void **state)
{
    struct pkix *p = *state;
    struct chain c;
    struct tw_view want = OID(P1);
    chain_open(p, &c);
    c.a.req.explicit_policy = true;
    c.a.req.policies = &want;
    c.a.req.policies_n = 1;
    c.inter.more = join(p, policy(p, OID(P1)), mapping(p, OID(P1), OID(P2)));
    c.leaf.more = policy(p, OID(P2)); /* P2 there means P1 here */
    assert_true(passes(p, &c));
    c.leaf.more = policy(p, OID(P1));
    assert_false(passes(p, &c));
    c.leaf.more = policy(p, OID(P2));
    c.a.req.inhibit_mapping = true;
    assert_false(passes(p, &c));
    c.a.req.inhibit_mapping = false;
    c.inter.more = join(p, policy(p, OID(P1)), mapping(p, OID(ANY), OID(P2)));
    assert_false(passes(p, &c));
    ask_close(&c.a);
}

static void twice(void **state)
{
    struct pkix *p = *state;
    struct chain c;
    chain_open(p, &c);
    struct tw_view info = wrap(p, DER_SEQ, oid(p, OID(P1)), none());
    c.a.req.explicit_policy = true;
    c.inter.more = policy(p, OID(P1));
    c.leaf.more = ext(p, OID(ID_CE "\x20"), false, wrap(p, DER_SEQ, info, info));
    assert_false(passes(p, &c));
    ask_close(&c.a);
}

/* RFC 9618: what grew without bound in the tree of RFC 5280 ends with a fault here. */
static void many(void **state)
{
    struct pkix *p = *state;
    struct chain c;
    struct tw_view all = none();
    chain_open(p, &c);
    c.a.req.explicit_policy = true;
    for (unsigned i = 0; i < 100; i++) {
        uint8_t id[] = {0x2a, 0x03, (uint8_t)i};
        all = join(p, all, wrap(p, DER_SEQ, oid(p, tw_view_of(id, 3)), none()));
    }
    c.inter.more = c.leaf.more = ext(p, OID(ID_CE "\x20"), false, wrap(p, DER_SEQ, all, none()));
    send(&c.a, make(p, c.leaf));
    send(&c.a, make(p, c.inter));
    find(p, &c.a);
    assert_true(has(&c.a, TW_PATH_LIMIT));
    ask_close(&c.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(explicit_policy), cmocka_unit_test(wanted),
                                       cmocka_unit_test(mapped), cmocka_unit_test(twice),
                                       cmocka_unit_test(many)};
    return cmocka_run_group_tests_name("policy", tests, pkix_open, pkix_close);
}
