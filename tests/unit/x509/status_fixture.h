/* A small PKI for tests of CRLs, OCSP and CT: made once per test program. */
#ifndef STATUS_FIXTURE_H
#define STATUS_FIXTURE_H

#include "x509/crl.h"
#include "x509/der.h"
#include "x509/der_write.h"
#include "x509/ocsp.h"
#include "x509/status_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { HOUR = 3600, DAY = 86400 };
static const int64_t NOW = 1764000000; /* 2025-11-24T16:00:00Z */

struct party {
    struct tw_privkey *key;
    struct tw_buf der;
    struct tw_cert cert;
};

struct pki {
    struct tw_crypto *c;
    struct party root, other, leaf, sub /* a CA below root */, responder;
    uint64_t serial;
};

static inline void issue(struct pki *p, struct party *x, const struct party *by,
                         struct tw_make_cert spec)
{
    static const char *const names[] = {"www.example.test"};
    tw_buf_init(&x->der, 65536);
    x->key = tw_make_privkey(p->c, TW_MAKE_P256);
    assert_non_null(x->key);
    spec.not_before = spec.not_before == 0 ? NOW - 10 * DAY : spec.not_before;
    spec.not_after = spec.not_after == 0 ? NOW + 80 * DAY : spec.not_after;
    spec.serial = 1000 + p->serial++;
    spec.path_len = -1;
    spec.hash = TW_HASH_SHA256;
    spec.dns = names;
    spec.dns_n = spec.ca ? 0 : 1;
    struct tw_view issuer = by == NULL ? tw_view_of(NULL, 0) : tw_buf_view(&by->der);
    assert_int_equal(tw_make_certificate(p->c, &spec, x->key, issuer,
                                         by == NULL ? x->key : by->key, &x->der), TW_OK);
    assert_true(tw_cert_parse(tw_buf_view(&x->der), &x->cert));
}

static inline void party_free(struct pki *p, struct party *x)
{
    p->c->privkey_free(x->key);
    tw_buf_cleanup(&x->der);
}

static inline int pki_open(void **state)
{
    struct pki *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->c = tw_crypto_new();
    assert_non_null(p->c);
    issue(p, &p->root, NULL, (struct tw_make_cert){.subject_cn = "Root", .ca = true});
    issue(p, &p->other, NULL, (struct tw_make_cert){.subject_cn = "Other", .ca = true});
    issue(p, &p->sub, &p->root, (struct tw_make_cert){.subject_cn = "Sub", .ca = true});
    issue(p, &p->leaf, &p->root,
          (struct tw_make_cert){.subject_cn = "www.example.test",
                                .crl_url = "http://crl.example.test/a.crl",
                                .ocsp_url = "http://ocsp.example.test/",
                                .aia_issuer_url = "http://ca.example.test/root.der"});
    issue(p, &p->responder, &p->root,
          (struct tw_make_cert){.subject_cn = "Responder", .ocsp_signing = true});
    *state = p;
    return 0;
}

static inline int pki_close(void **state)
{
    struct pki *p = *state;
    party_free(p, &p->root);
    party_free(p, &p->other);
    party_free(p, &p->sub);
    party_free(p, &p->leaf);
    party_free(p, &p->responder);
    tw_crypto_free(p->c);
    free(p);
    return 0;
}

#endif
