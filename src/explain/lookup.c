/* Codes and names: reasons of the OpenSSL family by text and by packed number, alerts. */
#include "explain/explain_internal.h"

enum { KEY_MAX = 120, LIB_SSL = 20, LIB_SYS = 2, LIB_VERIFY = 0xfe, BORING = 0x80,
       BORING_SSL = 16 };

/* "SSL_R_X", "X509_V_ERR_X", "ERR_SSL_X" and texts all become one key. */
static size_t key_of(struct tw_view text, size_t pos, char key[KEY_MAX], size_t ends[KEY_MAX])
{
    size_t n = 0;
    for (size_t i = pos; i < text.len && n < KEY_MAX - 1; i++) {
        int c = text.data[i];
        if (c == '_' || c == '\n' || c == '-')
            c = ' ';
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ' || c == '/' ||
                    c == '\'' || c == '.' || c == ',' || c == '(' || c == ')';
        if (!fits)
            break;
        key[n] = (char)c;
        ends[n] = i + 1;
        n++;
    }
    key[n] = '\0';
    return n;
}

static const struct tw_reason *find_key(const char *key, size_t n)
{
    size_t low = 0, high = tw_explain_reasons_n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const char *text = tw_explain_reasons[mid].text;
        int cmp = strncmp(key, text, n);
        if (cmp == 0 && text[n] != '\0')
            cmp = -1;
        if (cmp == 0)
            return &tw_explain_reasons[mid];
        if (cmp < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* OpenSSL 3.5 says "ssl/tls alert" where all before said "sslv3 alert". */
static const struct tw_reason *find_text(const char *key, size_t n)
{
    static const char modern[] = "ssl/tls alert ";
    char old[KEY_MAX];
    if (n >= sizeof modern && strncmp(key, modern, sizeof modern - 1) == 0) {
        int len = snprintf(old, sizeof old, "sslv3 alert %.*s", (int)(n - (sizeof modern - 1)),
                           key + sizeof modern - 1);
        return len > 0 ? find_key(old, (size_t)len) : NULL;
    }
    return find_key(key, n);
}

const struct tw_reason *tw_reason_at(struct tw_view text, size_t pos, size_t *end)
{
    char key[KEY_MAX];
    size_t ends[KEY_MAX];
    size_t n = key_of(text, pos, key, ends);
    for (; n > 2; n--) {
        bool edge = key[n] == '\0' || !((key[n] >= 'a' && key[n] <= 'z') ||
                                        (key[n] >= '0' && key[n] <= '9'));
        if (!edge || key[n - 1] == ' ')
            continue;
        const struct tw_reason *r = find_text(key, n);
        if (r != NULL) {
            *end = ends[n - 1];
            return r;
        }
    }
    return NULL;
}

static const struct tw_reason *by_number(unsigned lib, unsigned code)
{
    for (size_t i = 0; i < tw_explain_reasons_n; i++)
        if (tw_explain_reasons[i].lib == lib && tw_explain_reasons[i].code == code)
            return &tw_explain_reasons[i];
    return NULL;
}

const struct tw_reason *tw_reason_by_code(uint64_t code)
{
    if (code > UINT32_MAX)
        return NULL;
    unsigned lib3 = (unsigned)(code >> 23) & 0xff, reason3 = (unsigned)(code & 0x7fffff);
    unsigned lib1 = (unsigned)(code >> 24) & 0xff, reason1 = (unsigned)(code & 0xfff);
    unsigned func1 = (unsigned)(code >> 12) & 0xfff;
    /* BoringSSL keeps 1.x's layout with a function number of 0. */
    if (lib1 > 0 && func1 == 0 && lib1 <= 0x21) {
        const struct tw_reason *r = by_number(BORING | lib1, reason1);
        if (lib1 == BORING_SSL || r != NULL)
            return r;
    }
    if (lib1 >= LIB_SSL && by_number(lib1, reason1) != NULL)
        return by_number(lib1, reason1);
    if (reason3 < 0x1000 && by_number(lib3, reason3) != NULL)
        return by_number(lib3, reason3);
    return by_number(lib1, reason1);
}

int tw_alert_by_code_packed(uint64_t code)
{
    unsigned lib3 = (unsigned)(code >> 23) & 0xff, lib1 = (unsigned)(code >> 24) & 0xff;
    unsigned reason = (unsigned)(code & 0xfff);
    bool ssl = lib3 == LIB_SSL || lib1 == LIB_SSL || lib1 == BORING_SSL;
    return code <= UINT32_MAX && ssl && reason >= 1000 && reason <= 1255 ? (int)reason - 1000 : -1;
}

/* ---- alerts ---------------------------------------------------------------------------------- */

const struct tw_alert_row *tw_alert_row_of(int number)
{
    for (size_t i = 0; i < tw_explain_alerts_n; i++)
        if (tw_explain_alerts[i].number == number)
            return &tw_explain_alerts[i];
    return NULL;
}

/* Length of name (without blanks) at pos, blanks, dashes and underscores in the text skipped. */
static size_t spelled(struct tw_view t, size_t pos, const char *name, size_t n)
{
    size_t i = pos;
    for (size_t k = 0; k < n; i++) {
        if (i >= t.len)
            return 0;
        int c = t.data[i];
        if (c == ' ' || c == '_' || c == '-' || c == '\n') {
            if (k == 0)
                return 0;
            continue;
        }
        if (c != name[k])
            return 0;
        k++;
    }
    return i - pos;
}

int tw_alert_at(struct tw_view text, size_t pos, size_t *end)
{
    int best = -1;
    *end = pos;
    for (size_t i = 0; i < tw_explain_alerts_n; i++) {
        for (const char *p = tw_explain_alerts[i].names; *p != '\0';) {
            size_t n = strcspn(p, " "), len = spelled(text, pos, p, n);
            if (len > 0 && pos + len > *end) {
                *end = pos + len;
                best = tw_explain_alerts[i].number;
            }
            p += n + (p[n] == ' ');
        }
    }
    return best;
}

/* ---- causes ---------------------------------------------------------------------------------- */

static bool lists(const uint8_t *list, uint8_t cause)
{
    for (; *list != TW_CAUSE_END; list++)
        if (*list == cause)
            return true;
    return false;
}

bool tw_explain_knows(const char *cause_id)
{
    size_t c = 0;
    while (c < tw_explain_causes_n && strcmp(tw_explain_causes[c].id, cause_id) != 0)
        c++;
    if (c == tw_explain_causes_n)
        return false;
    for (size_t i = 0; i < tw_explain_rows_n; i++)
        if (!tw_explain_rows[i].hint && lists(tw_explain_rows[i].causes, (uint8_t)c))
            return true;
    for (size_t i = 0; i < tw_explain_reasons_n; i++)
        if (lists(tw_explain_reasons[i].causes, (uint8_t)c))
            return true;
    for (size_t i = 0; i < tw_explain_alerts_n; i++)
        if (lists(tw_explain_alerts[i].by_server, (uint8_t)c) ||
            lists(tw_explain_alerts[i].by_client, (uint8_t)c))
            return true;
    return false;
}
