/* What makes a hello one of TLS 1.3: supported_versions, key_share, cookie, RFC 8446 4.2. */
#include "wire/ext.h"

static bool encode_supported_versions(const struct tw_ext_build *x, struct tw_buf *b)
{
    if (x->hello->versions.n == 0)
        return false;
    tw_ext_write_u16s(b, 1, &x->hello->versions, x->hello->grease ? x->grease.version : 0);
    return true;
}

static bool note_supported_versions(const struct tw_noter *k, struct tw_view body)
{
    char label[64];
    uint16_t v;
    if (k->msg != TW_MSG_CLIENT_HELLO) {
        if (!tw_ext_u16(body, &v))
            return false;
        tw_note_num(k, "selected_version", v, body, tw_version_label(v, label, sizeof label));
        return true;
    }
    struct tw_reader r = tw_rd_of(body);
    struct tw_view list = tw_rd_vec(&r, 1, "supported_versions");
    if (tw_rd_ok(&r))
        tw_note_data(k, "supported_versions", list, list.len / 2, NULL);
    return tw_rd_end(&r, "supported_versions") && list.len > 0 && list.len % 2 == 0;
}

const struct tw_extension tw_ext_supported_versions = {
    .code = TW_EXT_SUPPORTED_VERSIONS,
    .in = TW_IN_CH | TW_IN_SH13 | TW_IN_HRR,
    .encode = encode_supported_versions,
    .note = note_supported_versions,
    .source = "RFC 8446 4.2.1",
};

static bool read_share(struct tw_reader *r, struct tw_key_share *ks)
{
    ks->group = tw_rd_u16(r, "group");
    ks->key = tw_ext_bounded_vec(r, 2, 1, 0xffff, "key_exchange");
    return tw_rd_ok(r);
}

bool tw_ext_key_share_at(struct tw_view client_body, size_t i, struct tw_key_share *ks)
{
    struct tw_reader r = tw_rd_of(client_body);
    struct tw_reader list = tw_rd_sub(&r, 2, "client_shares");
    for (size_t at = 0; tw_rd_more(&list); at++)
        if (read_share(&list, ks) && at == i)
            return true;
    *ks = (struct tw_key_share){0};
    return false;
}

bool tw_ext_key_share_server(struct tw_view body, struct tw_key_share *ks)
{
    struct tw_reader r = tw_rd_of(body);
    if (read_share(&r, ks) && tw_rd_end(&r, "server_share"))
        return true;
    *ks = (struct tw_key_share){0};
    return false;
}

/*
 * GREASE goes with the shares of the recipe. After a HelloRetryRequest the share must be the only
 * one (RFC 8446 4.1.2), and then its group is not among those that the recipe sends shares for.
 */
static bool wants_grease_share(const struct tw_ext_build *x)
{
    return x->hello->grease && x->secrets->shares_n > 0 &&
           tw_u16list_has(&x->hello->shares, x->secrets->shares[0].group);
}

static bool encode_key_share(const struct tw_ext_build *x, struct tw_buf *b)
{
    const struct tw_hello_secrets *s = x->secrets;
    if (!tw_ext_offers_tls13(x))
        return false;
    size_t list = tw_wr_open(b, 2);
    if (wants_grease_share(x)) {
        tw_wr_u16(b, x->grease.group);
        tw_wr_vec(b, 2, tw_view_of("\0", 1));
    }
    for (size_t i = 0; i < s->shares_n && i < TW_HELLO_MAX_SHARES; i++) {
        tw_wr_u16(b, s->shares[i].group);
        tw_wr_vec(b, 2, s->shares[i].key);
    }
    tw_wr_close(b, list, 2);
    return true;
}

static void note_share(const struct tw_noter *k, const struct tw_key_share *ks)
{
    char label[64];
    struct tw_noter with_len = *k;
    with_len.place = (int64_t)ks->key.len;
    tw_note_num(&with_len, "key_share", ks->group, ks->key,
                tw_group_label(ks->group, label, sizeof label));
}

static bool note_client_shares(const struct tw_noter *k, struct tw_view body)
{
    struct tw_key_share ks;
    struct tw_reader r = tw_rd_of(body);
    struct tw_reader list = tw_rd_sub(&r, 2, "client_shares");
    for (size_t i = 0; tw_rd_more(&list) && read_share(&list, &ks); i++) {
        if (i == TW_NOTE_MAX_ITEMS) {
            tw_note_limit(k, "key_share");
            break;
        }
        note_share(k, &ks);
    }
    return tw_rd_ok(&list) && tw_rd_end(&r, "client_shares");
}

/* HelloRetryRequest names a group; ServerHello brings the server's share. */
static bool note_key_share(const struct tw_noter *k, struct tw_view body)
{
    char label[64];
    struct tw_key_share ks;
    uint16_t group;
    if (k->msg == TW_MSG_CLIENT_HELLO)
        return note_client_shares(k, body);
    if (k->msg == TW_MSG_HELLO_RETRY_REQUEST) {
        if (!tw_ext_u16(body, &group))
            return false;
        tw_note_num(k, "selected_group", group, body, tw_group_label(group, label, sizeof label));
        return true;
    }
    if (!tw_ext_key_share_server(body, &ks))
        return false;
    note_share(k, &ks);
    tw_note_negotiated(k, "group", ks.group, tw_group_label(ks.group, label, sizeof label));
    return true;
}

const struct tw_extension tw_ext_key_share = {
    .code = TW_EXT_KEY_SHARE,
    .in = TW_IN_CH | TW_IN_SH13 | TW_IN_HRR,
    .encode = encode_key_share,
    .note = note_key_share,
    .source = "RFC 8446 4.2.8",
};

static bool encode_cookie(const struct tw_ext_build *x, struct tw_buf *b)
{
    if (x->secrets->cookie.len == 0)
        return false;
    tw_wr_vec(b, 2, x->secrets->cookie);
    return true;
}

static bool note_cookie(const struct tw_noter *k, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_view v = tw_ext_bounded_vec(&r, 2, 1, 0xffff, "cookie");
    if (tw_rd_ok(&r))
        tw_note_num(k, "cookie", v.len, v, NULL);
    return tw_rd_end(&r, "cookie");
}

const struct tw_extension tw_ext_cookie = {
    .code = TW_EXT_COOKIE,
    .in = TW_IN_CH | TW_IN_HRR,
    .encode = encode_cookie,
    .note = note_cookie,
    .source = "RFC 8446 4.2.2",
};
