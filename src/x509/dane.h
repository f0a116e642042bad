/*
 * DANE (RFC 6698, RFC 7671): TLSA records read from a DNS answer and held against a chain. Pure;
 * whether the answer was secure is the resolver's word and not looked into here.
 */
#ifndef TW_DANE_H
#define TW_DANE_H

#include "x509/x509.h"

enum { TW_TLSA_MAX = 32, TW_DNS_TLSA = 52 };

/** RFC 6698 2.1. data borrows from the answer. */
struct tw_tlsa {
    uint8_t usage;          /* 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE */
    uint8_t selector;       /* 0 whole certificate, 1 SubjectPublicKeyInfo */
    uint8_t matching;       /* 0 exact, 1 SHA-256, 2 SHA-512 */
    struct tw_view data;
};
/** "DANE-EE" ...; "usage N" never: unknown numbers give "unassigned". */
const char *tw_tlsa_usage_name(uint8_t usage);

struct tw_tlsa_answer {
    int rcode;              /* of the DNS header */
    bool ad;                /* Authenticated Data: the resolver says that DNSSEC holds */
    struct tw_tlsa records[TW_TLSA_MAX];
    size_t n;               /* those beyond the maximum are not looked at */
};
/** A whole DNS message (RFC 1035 4.1). false: it is none; records read so far are there. */
bool tw_tlsa_parse(struct tw_view message, struct tw_tlsa_answer *a);

enum tw_tlsa_match {
    TW_TLSA_NO,             /* usable, and does not match */
    TW_TLSA_YES,
    TW_TLSA_UNUSABLE,       /* unknown numbers or a digest of the wrong length: ignored */
    TW_TLSA_WEAKER          /* ignored for a stronger digest beside it (RFC 7671 9) */
};

struct tw_dane_chain {
    const struct tw_view *certs; /* as sent, leaf first */
    size_t certs_n;
    const struct tw_view *path;  /* validated by PKIX, leaf first; empty when validation failed */
    size_t path_n;
};

/**
 * Holds each record against the chain; out[i] is for records[i].
 *
 * Usage 3 wants the leaf, whatever its names and dates (RFC 7671 5.1); usage 2 an issuer that was
 * sent, or is in the record itself, with signatures from the leaf up to it; 0 and 1 a certificate
 * of the path that PKIX validated.
 * @return true when one matches
 */
bool tw_dane_match(struct tw_crypto *c, const struct tw_tlsa_answer *a,
                   const struct tw_dane_chain *chain, enum tw_tlsa_match *out);

#endif
