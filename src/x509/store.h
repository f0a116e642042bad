/*
 * Trust stores as files hold them: bytes in, trust anchors out. Pure; finding the files is the
 * driver's work (probe/stores.c).
 */
#ifndef TW_STORE_H
#define TW_STORE_H

#include "x509/x509.h"

#define TW_STORE_FORMAT_LIST(X)                                                                    \
    X(TW_STORE_UNKNOWN, "unknown")                                                                 \
    X(TW_STORE_EMPTY, "empty file")                                                                \
    X(TW_STORE_PEM, "PEM")                                                                         \
    X(TW_STORE_DER, "DER")                                                                         \
    X(TW_STORE_PKCS7, "PKCS#7")                                                                    \
    X(TW_STORE_JKS, "JKS")                                                                         \
    X(TW_STORE_JCEKS, "JCEKS")                                                                     \
    X(TW_STORE_PKCS12, "PKCS#12")                                                                  \
    X(TW_STORE_P11KIT, "p11-kit")

enum tw_store_format {
#define X(id, text) id,
    TW_STORE_FORMAT_LIST(X)
#undef X
};
const char *tw_store_format_name(enum tw_store_format f);

/** What was in the file. */
struct tw_store_content {
    enum tw_store_format format;
    enum tw_integrity integrity;  /* JKS, JCEKS: the digest at the end; PKCS#12: the MAC */
    size_t anchors;               /* certificates that are trust anchors for TLS servers */
    size_t not_anchors;           /* certificates that are there but not as anchors: of a key's
                                     chain, distrusted, or trusted for something else only */
    size_t keys;                  /* private or secret keys */
    size_t damaged;               /* entries passed over because they cannot be read */
    const char *problem;          /* static text, NULL when the file was read to its end */
};

/**
 * Adds the anchors of a store to a trust store. The format is told by the content: PEM (plain or
 * OpenSSL's TRUSTED CERTIFICATE), one DER certificate, PKCS#7 (certificates only), JKS and JCEKS
 * (trustedCertEntry), PKCS#12, p11-kit's trust files.
 *
 * @param password  NULL: none known. JKS can be read without one (its digest is then checked with
 *                  "changeit", Java's default, and a mismatch proves nothing); PKCS#12 is tried
 *                  without, with an empty one and with "changeit"
 * @return TW_OK: out says what was found, which may be nothing; TW_E_INPUT: out->problem says why
 *         nothing can be said; TW_E_NOMEM
 */
enum tw_status tw_store_read(struct tw_crypto *crypto, struct tw_view in, const char *password,
                             struct tw_trust *into, struct tw_store_content *out) TW_MUST_CHECK;

/* One parser per format; each returns false with out->problem when the bytes end too early. */
bool tw_store_jks(struct tw_crypto *crypto, struct tw_view in, const char *password,
                  struct tw_trust *into, struct tw_store_content *out);
bool tw_store_p11kit(struct tw_view in, struct tw_trust *into, struct tw_store_content *out);

#endif
