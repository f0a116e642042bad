"""Results of zlint on its own test certificates against the faults we find: the lints of RFC 5280 and a
few of the Baseline Requirements that have a counterpart here. Skips without the suite."""
import json
import unittest

import tw

ZLINT = tw.SHARED / "suites/zlint"

# zlint's name -> ids of our faults, one of which must be there when zlint says Error or Warn, and none
# when it says Pass
LINTS = {
    "e_basic_constraints_not_critical": ["basic_not_critical"],
    "e_ca_subject_field_empty": ["ca_subject_empty"],
    "e_cert_contains_unique_identifier": ["unique_id"],
    "e_cert_extensions_version_not_3": ["extensions_version"],
    "e_cert_sig_alg_not_match_tbs_sig_alg": ["algorithm_mismatch"],
    "e_cert_unique_identifier_version_not_2_or_3": ["unique_id_version"],
    "e_distribution_point_incomplete": ["crl_point_incomplete"],
    "e_ext_aia_marked_critical": ["aia_critical"],
    "e_ext_authority_key_identifier_critical": ["aki_critical"],
    "e_ext_authority_key_identifier_no_key_identifier": ["aki_no_keyid", "aki_missing"],
    "e_ext_cannot_be_empty_sequence": ["grammar", "san_empty", "nc_empty", "ian_empty",
                                       "policy_constraints_empty", "extensions_empty"],
    "e_ext_cert_policy_duplicate": ["policy_duplicate"],
    "e_ext_duplicate_extension": ["extension_duplicate"],
    "e_ext_freshest_crl_marked_critical": ["freshest_crl_critical"],
    "e_ext_ian_dns_not_ia5_string": ["dns_not_ia5"],
    "e_ext_ian_empty_name": ["general_name_empty"],
    "e_ext_ian_no_entries": ["ian_empty"],
    "e_ext_ian_rfc822_format_invalid": ["email_syntax"],
    "e_ext_ian_space_dns_name": ["dns_syntax"],
    "e_ext_ian_uri_format_invalid": ["uri_syntax"],
    "e_ext_ian_uri_not_ia5": ["uri_not_ia5"],
    "e_ext_ian_uri_relative": ["uri_syntax"],
    "e_ext_key_usage_cert_sign_without_ca": ["cert_sign_without_ca"],
    "e_ext_key_usage_without_bits": ["key_usage_empty", "grammar"],
    "e_ext_name_constraints_not_critical": ["nc_not_critical"],
    "e_ext_name_constraints_not_in_ca": ["nc_not_ca"],
    "e_ext_policy_constraints_empty": ["policy_constraints_empty"],
    "e_ext_policy_constraints_not_critical": ["policy_constraints_not_critical"],
    "e_ext_policy_map_any_policy": ["mapping_any"],
    "e_ext_san_dns_not_ia5_string": ["dns_not_ia5"],
    "e_ext_san_empty_name": ["general_name_empty"],
    "e_ext_san_missing": ["san_missing"],
    "e_ext_san_no_entries": ["san_empty"],
    "e_ext_san_not_critical_without_subject": ["san_not_critical"],
    "e_ext_san_rfc822_format_invalid": ["email_syntax"],
    "e_ext_san_space_dns_name": ["dns_syntax"],
    "e_ext_san_uri_format_invalid": ["uri_syntax"],
    "e_ext_san_uri_not_ia5": ["uri_not_ia5"],
    "e_ext_san_uri_relative": ["uri_syntax"],
    "e_ext_subject_key_identifier_critical": ["ski_critical"],
    "e_ext_subject_key_identifier_missing_ca": ["ski_missing"],
    "e_incorrect_ku_encoding": ["grammar", "key_usage_padded"],
    "e_issuer_field_empty": ["issuer_empty"],
    "e_key_usage_incorrect_length": ["grammar", "key_usage_padded"],
    "e_name_constraint_empty": ["nc_empty", "nc_subtrees_empty"],
    "e_name_constraint_maximum_not_absent": ["nc_range"],
    "e_name_constraint_minimum_non_zero": ["nc_range"],
    "e_path_len_constraint_improperly_included": ["path_len_without_ca", "path_len_without_sign"],
    "e_rfc_dnsname_empty_label": ["dns_syntax"],
    "e_rsa_exp_negative": ["rsa_key_negative"],
    "e_rsa_mod_less_than_2048_bits": ["webpki_key"],
    "e_rsa_public_exponent_not_odd": ["rsa_exponent"],
    "e_rsa_public_exponent_too_small": ["rsa_exponent"],
    "e_serial_number_not_positive": ["serial_negative", "serial_zero"],
    "e_sub_cert_eku_missing": ["eku_missing"],
    "e_subject_common_name_not_exactly_from_san": ["cn_not_in_san"],
    "e_subject_empty_without_san": ["subject_empty"],
    "e_superfluous_ku_encoding": ["grammar", "key_usage_padded"],
    "e_tbs_signature_rsa_encryption_parameter_not_null": ["signature_parameters"],
    "e_tls_server_cert_valid_time_longer_than_398_days": ["validity_too_long"],
    "e_validity_time_not_positive": ["validity_negative"],
    "e_wrong_time_format_pre2050": ["time_general_before_2050"],
    "e_basic_constr_invalid_der": ["grammar", "ca_false_encoded"],
    "e_cert_ext_invalid_der": ["grammar", "critical_false_encoded"],
    "e_invalid_certificate_version": ["version_unknown", "not_version_3"],
    "w_ext_crl_distribution_marked_critical": ["crl_points_critical"],
    "w_ext_key_usage_not_critical": ["key_usage_not_critical"],
    "w_ext_policy_map_not_critical": ["mapping_not_critical"],
}

# The fault is there, but in another extension than the one the lint is about.
ELSEWHERE = {("e_ext_ian_uri_format_invalid", "IANURIValid.pem"),  # the SAN has the relative URI
             ("e_ext_ian_uri_relative", "IANURIValid.pem"),
             ("e_name_constraint_maximum_not_absent", "ncMinPres.pem")}  # one id for both ends


@unittest.skipUnless((ZLINT / "cases.jsonl").exists(), "no ../shared")
class Zlint(unittest.TestCase):
    maxDiff = None

    def test_faults(self):
        cases = [json.loads(line) for line in open(ZLINT / "cases.jsonl")]
        cases = [c for c in cases if c["lint"] in LINTS and (ZLINT / "testdata" / c["file"]).exists()]
        self.assertGreater(len(cases), 90)
        files = sorted({str(ZLINT / "testdata" / c["file"]) for c in cases})
        found = {}
        for o in tw.tlswhy("inspect", "--json", *files).objects():
            found[o["target"]["input"].rsplit("/", 1)[1]] = {
                f["id"] for f in o["certificates"][0]["faults"]}
        wrong = []
        for c in cases:
            if (c["lint"], c["file"]) in ELSEWHERE:
                continue
            have = bool(found[c["file"]] & set(LINTS[c["lint"]]))
            if have != (c["expected"] in ("Error", "Warn")) and \
                    not (have and c["expected"] not in ("Pass", "Error", "Warn")):
                wrong.append((c["lint"], c["file"], c["expected"], sorted(found[c["file"]])))
        print("zlint: %d of %d results as expected" % (len(cases) - len(wrong), len(cases)))
        self.assertEqual([], wrong)


if __name__ == "__main__":
    unittest.main()
