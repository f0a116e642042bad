/*
 * What is known of CAs, products and platforms by name: data with source and date, in *.def files
 * of this folder. Patterns are compared without regard to ASCII case; '*' stands for anything.
 */
#ifndef TW_RULES_TABLES_H
#define TW_RULES_TABLES_H

#include "x509/x509.h"

/** A CA that trust programs removed or restricted (distrusted.def). */
struct tw_distrusted {
    const char *name;
    const char *o, *cn;      /* patterns of O and CN; NULL = any */
    const char *after;       /* certificates issued after this day are refused; NULL = all are */
    const char *since;       /* when the clients began */
    const char *clients;     /* who refuses */
    const char *source;
};
/** A product that intercepts TLS (interceptors.def). */
struct tw_interceptor {
    const char *product;
    char kind;               /* 'A' on the machine itself (antivirus and the like), 'P' in the
                                network, 'D' a developer's tool, 'M' came with the machine */
    const char *attr, *pattern; /* "CN", "O" or "OU" of the issuer */
    bool sure;               /* the name is used for nothing else */
    const char *source;
};
/** A certificate that software brings along (placeholders.def). */
struct tw_placeholder {
    const char *product;
    const char *attr, *pattern; /* of the subject */
    bool sure;
    const char *fix;
    const char *source;
};
/** A certificate that a platform shows for names it has none for (platforms.def). */
struct tw_platform {
    const char *name;
    const char *san;         /* pattern of a dNSName */
    const char *fix;
    const char *source;
};
/** A root of the public web (public_roots.def). */
struct tw_public_root {
    const char *cn;          /* or O where it has no CN */
    const char *ski;         /* subjectKeyIdentifier in hex; "" when it has none */
    const char *made;        /* its notBefore */
};

bool tw_pattern_match(const char *pattern, const char *text);
const struct tw_distrusted *tw_distrusted_by_name(struct tw_view dn);
const struct tw_interceptor *tw_interceptor_by_name(struct tw_view dn);
const struct tw_placeholder *tw_placeholder_by_name(struct tw_view dn);
const struct tw_platform *tw_platform_by_san(const char *san);
/** By name and, when key_id is not empty, by key. */
const struct tw_public_root *tw_public_root_find(struct tw_view dn, struct tw_view key_id);
/** Rows, for tests and the catalogue; NULL past the end. */
const struct tw_distrusted *tw_distrusted_at(size_t i);
const struct tw_interceptor *tw_interceptor_at(size_t i);
const struct tw_placeholder *tw_placeholder_at(size_t i);
const struct tw_platform *tw_platform_at(size_t i);
const struct tw_public_root *tw_public_root_at(size_t i);

#endif
