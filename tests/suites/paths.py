"""Certificate path suites of others: from their cases to our requests, and from our problems to their
classes of reasons. What a suite takes for granted is an option here, never a special case."""
import json
import os
import pathlib
import re

import tw

CASES = pathlib.Path(os.environ.get("TW_PATHCASES", tw.SHARED / "suites/paths/pathcases.jsonl"))

# Our problem (or problem:lint) -> classes that a suite may call it by. The classes are coarser than
# our problems, and two suites may file the same fault under different ones.
CLASSES = {
    "expired": {"expired"}, "not_yet_valid": {"not_yet_valid", "expired"},  # limbo: one class
    "self_signed_leaf": {"issuer_unknown"}, "unknown_root": {"issuer_unknown"},
    "missing_issuer": {"issuer_unknown", "dos_limit"},  # limbo: loops that lead nowhere
    "no_anchors": {"issuer_unknown"},
    "bad_signature": {"signature", "issuer_unknown"},  # mbedTLS: NOT_TRUSTED for both
    "not_a_ca": {"not_a_ca", "issuer_unknown"},        # mbedTLS passes such an issuer over
    "path_len": {"pathlen"}, "too_long": {"pathlen"},
    "key_usage": {"key_usage", "not_a_ca", "eku", "issuer_unknown"},  # OpenSSL: purpose; mbedTLS: skip
    "eku": {"eku"}, "unknown_critical": {"critical_ext"},
    "malformed": {"malformed"}, "weak_signature": {"weak"}, "weak_key": {"weak"},
    "explicit_curve": {"weak", "other"},
    "name_mismatch": {"hostname_mismatch"}, "name_no_san": {"hostname_mismatch"},
    "name_wildcard": {"hostname_mismatch"}, "name_ip": {"hostname_mismatch", "other"},
    "name_form": {"hostname_mismatch", "other"},           # limbo: classes come from case ids,
    "name_constraints": {"name_constraints", "other"},     # and cve:: and san:: name none
    "policy": {"policy"}, "revoked": {"revoked", "revoked_or_crl"},
    "crl": {"crl_problem", "revoked_or_crl", "expired"},  # mbedTLS: an expired CRL
    "limit": {"dos_limit", "other"},
    "unsupported_key": {"weak", "issuer_unknown", "signature"},
    "profile": {"malformed"}, "webpki": {"malformed"}, "validity_too_long": {"other"},
    "distrusted": {"issuer_unknown"}, "proxy": {"other"}, "leaf_is_ca": {"not_a_ca"},
}
NOT_CRITICAL = {"critical_ext", "malformed", "other"}
LINTS = {
    "basic_not_critical": NOT_CRITICAL, "policy_constraints_not_critical": NOT_CRITICAL,
    "nc_not_critical": {"name_constraints"}, "nc_not_ca": {"name_constraints"},
    "nc_empty": {"name_constraints"}, "nc_subtrees_empty": {"name_constraints"},
    "eku_missing": {"eku"}, "eku_any": {"eku"}, "eku_critical": {"eku"}, "root_eku": {"eku"},
    "eku_no_server": {"eku"}, "cn_not_in_san": {"hostname_mismatch"},
    "san_critical": {"hostname_mismatch"}, "san_missing": {"hostname_mismatch"},
    "cert_sign_without_ca": {"not_a_ca"}, "path_len_without_sign": {"not_a_ca"},
    "path_len_without_ca": {"pathlen", "not_a_ca"}, "leaf_signs": {"not_a_ca"},
    "dns_syntax": {"other"}, "webpki_key_type": {"weak"}, "issuer_empty": {"other"}, "not_version_3": {"weak", "malformed"},
    # filed under the file's namespace or neighbour in limbo, where the case id gives the class
    "root_aki_keyid": {"malformed", "hostname_mismatch"},
    "algorithm_mismatch": {"malformed", "hostname_mismatch"},
    "aki_missing": {"malformed", "other"},   # OpenSSL -x509_strict: no class of its own
}


def classes(problem):
    return LINTS.get(problem["lint"]) or CLASSES[problem["problem"]]


# ---- from a suite's options to a request ------------------------------------------------------------

PKITS_POLICIES = {"NIST-test-policy-%d" % n: "2.16.840.1.101.3.2.1.48.%d" % n for n in range(1, 11)}
PKITS_POLICIES["anyPolicy"] = "2.5.29.32.0"


def pkits(case, req):
    o = case["opts"]
    req.update(purpose="any", policy="rfc5280", level=0, crl_all=True)
    req["explicit_policy"] = o.get("SetInitialExplicitPolicy") == "true"
    req["inhibit_mapping"] = o.get("SetInitialPolicyMappingInhibit") == "true"
    req["inhibit_any"] = o.get("SetInitialInhibitAnyPolicy") == "true"
    if "SetInitialPolicySet" in o:
        names = o["SetInitialPolicySet"].strip('"').split(",")
        req["policies"] = [PKITS_POLICIES[n] for n in names]


def limbo(case, req):
    o = case["opts"]
    name = case["id"]
    # the suite's own namespaces say whose rules are meant
    req["policy"] = "strict" if name.startswith(("rfc5280::", "crl::")) else \
        "webpki" if name.startswith(("webpki::", "online::")) else "rfc5280"
    if o.get("max_chain_depth") is not None:
        req["max_depth"] = o["max_chain_depth"]
    req["any_usage"] = not o.get("ku")  # the suite says which key usages are asked for
    req["emails"] = [n["value"] for n in o.get("expected_peer_names", []) if n["kind"] == "RFC822"]


OPENSSL_PURPOSE = {"sslserver": "server", "sslclient": "client", "timestampsign": "timestamp",
                   "codesign": "code", None: "any"}


def openssl(case, req):
    o = case["opts"]
    args = o["openssl_opts"]
    req.update(purpose=OPENSSL_PURPOSE[o["purpose"]], policy="rfc5280", level=1)
    req["no_partial"] = "-partial_chain" not in args
    req["no_backtrack"] = True   # X509_verify_cert: store first, and no other path once one is built
    req["allow_proxy"] = "-allow_proxy_certs" in args
    req["explicit_policy"] = "-explicit_policy" in args
    if "-x509_strict" in args:
        req["policy"] = "strict"
    for flag, value in zip(args, args[1:]):
        if flag == "-auth_level":
            req["level"] = int(value)
        elif flag == "-verify_depth":
            req["max_depth"] = int(value)
        elif flag == "-attime":
            req["time"] = int(value)
        elif flag == "-policy":
            req["policies"] = [value]


def mbedtls(case, req):
    profile = case["opts"]["profile"]
    # default and next: SHA-2 and RSA 2048; compat: SHA-1 and RSA 1024 too; all: anything
    req.update(purpose="any", policy="rfc5280", cn_ok=True, no_direct=True,
               level={"": 2, "next": 2, "suite_b": 3, "compat": 1, "all": 0}[profile])
    req["sha1_ok"] = profile == "compat"
    if req["name"]:
        req["name"] = req["name"].replace("\\:", ":")


SUITES = {"nist-pkits": pkits, "x509-limbo": limbo, "openssl-verify": openssl,
          "mbedtls-verify": mbedtls}


def request(case, now):
    req = {"id": case["id"], "leaf": case["leaf"], "chain": case["intermediates"],
           "roots": case["roots"], "crls": case["crls"], "time": case["time"] or now,
           "name": case["hostname"] or "", "purpose": case["purpose"]}
    SUITES[case["suite"]](case, req)
    return req


def load():
    with open(CASES) as f:
        return [json.loads(line) for line in f]


def key(case):
    return "%s: %s" % (case["suite"], re.sub(r"\s+", " ", case["id"]))
