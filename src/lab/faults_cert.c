/* Faults of certificates' status: revocation, stapling, CT. Rows as in faults.c. */
#include "lab/lab_internal.h"

static void tls12(struct tw_server_config *s)
{
    s->versions.n = 0;
    tw_u16list_add(&s->versions, TW_TLS12);
}

static void old_date(struct tw_server_config *s)
{
    s->reply = "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 0\r\n"
               "Connection: close\r\n\r\n";
}

static const struct lab_fault faults[] = {
    {"healthy-must-staple", "a must-staple certificate with its staple", NULL, NULL, LAB_TLS,
     LAB_MUST_STAPLE, .staple = LAB_STAPLE_GOOD},
    {"healthy-ocsp", "the CA's OCSP responder says good", NULL, "online hard-fail", LAB_TLS,
     LAB_OCSP_GOOD},
    {"healthy-crl", "not on the CA's CRL", NULL, "online hard-fail", LAB_TLS, LAB_CRL_GOOD},
    {"healthy-ct", "timestamps of two CT logs", NULL, "ct-log-list-json=LAB", LAB_TLS,
     LAB_WITH_SCTS},

    {"revoked", "the staple says revoked", "revoked", NULL, LAB_TLS, LAB_MUST_STAPLE,
     .staple = LAB_STAPLE_REVOKED},
    {"revoked-tls12", "the staple says revoked, TLS 1.2", "revoked", NULL, LAB_TLS, LAB_MUST_STAPLE,
     tls12, .staple = LAB_STAPLE_REVOKED},
    {"revoked-ocsp", "the CA's OCSP responder says revoked", "revoked", "online", LAB_TLS,
     LAB_OCSP_REVOKED},
    {"revoked-crl", "the CA's CRL has it", "revoked", "online", LAB_TLS, LAB_CRL_REVOKED},
    {"ocsp-must-staple-missing", "must-staple, and no staple", "ocsp-must-staple-missing", NULL,
     LAB_TLS, LAB_MUST_STAPLE},
    {"ocsp-staple-invalid", "a staple past its end", "ocsp-staple-invalid", NULL, LAB_TLS,
     LAB_MUST_STAPLE, .staple = LAB_STAPLE_EXPIRED},
    {"ocsp-staple-invalid-other", "the staple of another certificate", "ocsp-staple-invalid", NULL,
     LAB_TLS, LAB_MUST_STAPLE, .staple = LAB_STAPLE_OTHER},
    {"revocation-unreachable", "nobody answers at the certificate's URLs",
     "revocation-unreachable", "online hard-fail", LAB_TLS, LAB_UNREACHABLE},
    {"crl-expired", "the CA's CRL is past its end", "crl-expired", "online hard-fail", LAB_TLS,
     LAB_CRL_EXPIRED},
    {"ct-missing", "no timestamps", "ct-missing", "ct-log-list-json=LAB", LAB_TLS, LAB_GOOD_EC},
    {"clock-skew-server", "its clock stands at the start of 2024", "clock-skew-server", NULL,
     LAB_TLS, LAB_GOOD_EC, old_date, .warning = true},
    {"chain-missing-intermediate-aia", "the leaf alone, its issuer is to be fetched",
     "chain-missing-intermediate", "online", LAB_TLS, LAB_AIA},
};

const struct lab_fault *lab_fault_cert_at(size_t i)
{
    return i < TW_ARRAY_LEN(faults) ? &faults[i] : NULL;
}
