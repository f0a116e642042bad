/* Protocols of text lines: mail, FTP, news, Sieve, IRC. */
#include "dialogue/dialogue_internal.h"

/*
 * A reply of the SMTP family: lines "NNN-text" up to "NNN text" (RFC 5321 4.2.1). 0 while it is not
 * whole, -1 when it is something else, else the code; *all are its bytes, consumed.
 */
static int reply(struct tw_dialogue *d, struct tw_view *all)
{
    struct tw_view line, rest = dlg_rest(d);
    size_t at = 0, n;
    int code = 0;
    while (dlg_peek_line(d, at, &line, &n)) {
        at += n;
        bool coded = line.len >= 3 && line.data[0] >= '1' && line.data[0] <= '5' &&
                     line.data[1] >= '0' && line.data[1] <= '9' && line.data[2] >= '0' &&
                     line.data[2] <= '9';
        if (!coded && code == 0)
            return -1;
        if (coded && code == 0)
            code = (line.data[0] - '0') * 100 + (line.data[1] - '0') * 10 + line.data[2] - '0';
        if (coded && (line.len == 3 || line.data[3] != '-')) { /* FTP lines between need no code */
            *all = tw_view_sub(rest, 0, at);
            dlg_take(d, at);
            return code;
        }
    }
    if (code == 0 && rest.len >= 3 && (rest.data[0] < '1' || rest.data[0] > '5'))
        return -1;
    return 0;
}

static enum tw_dialogue_state no_upgrade(struct tw_dialogue *d)
{
    char why[96];
    snprintf(why, sizeof why, "%s is not among its capabilities", d->p->upgrade);
    return dlg_refused(d, why);
}

static enum tw_dialogue_state refuses(struct tw_dialogue *d)
{
    char why[96];
    snprintf(why, sizeof why, "it refuses %s", d->p->upgrade);
    return dlg_refused(d, why);
}

/* ---- SMTP, LMTP ------------------------------------------------------------------------------------ */

static enum tw_dialogue_state mail_step(struct tw_dialogue *d, const char *hello)
{
    struct tw_view text;
    int code = reply(d, &text);
    if (code <= 0)
        return code == 0 ? TW_DIALOGUE_GOING_ON : dlg_not_spoken(d, "its greeting is no SMTP");
    switch (d->stage++) {
    case 0:
        dlg_note(d, TW_SERVER, "greeting", code, text);
        if (code != 220)
            return dlg_refused(d, "it does not serve this client");
        dlg_line(d, "%s tlswhy.invalid", hello);
        return TW_DIALOGUE_GOING_ON;
    case 1:
        dlg_note(d, TW_SERVER, "capabilities", code, text);
        if (code != 250)
            return dlg_refused(d, "it refuses the greeting");
        if (!dlg_has(text, "STARTTLS"))
            return no_upgrade(d);
        dlg_line(d, "STARTTLS");
        return TW_DIALOGUE_GOING_ON;
    default:
        dlg_note(d, TW_SERVER, "answer", code, text);
        return code == 220 ? TW_DIALOGUE_READY : refuses(d);
    }
}

enum tw_dialogue_state smtp_step(struct tw_dialogue *d)
{
    return mail_step(d, "EHLO");
}

enum tw_dialogue_state lmtp_step(struct tw_dialogue *d)
{
    return mail_step(d, "LHLO");
}

/* ---- FTP --------------------------------------------------------------------------------------------- */

enum tw_dialogue_state ftp_step(struct tw_dialogue *d)
{
    struct tw_view text;
    int code = reply(d, &text);
    if (code <= 0)
        return code == 0 ? TW_DIALOGUE_GOING_ON : dlg_not_spoken(d, "its greeting is no FTP");
    if (d->stage++ == 0) {
        dlg_note(d, TW_SERVER, "greeting", code, text);
        if (code != 220)
            return dlg_refused(d, "it does not serve this client");
        dlg_line(d, "AUTH TLS");
        return TW_DIALOGUE_GOING_ON;
    }
    dlg_note(d, TW_SERVER, "answer", code, text);
    return code == 234 ? TW_DIALOGUE_READY : refuses(d);
}

/* ---- IMAP -------------------------------------------------------------------------------------------- */

/* All lines up to the one that answers the tag. */
static bool tagged(struct tw_dialogue *d, const char *tag, struct tw_view *all, bool *good)
{
    struct tw_view line, rest = dlg_rest(d);
    size_t at = 0, n, len = strlen(tag);
    while (dlg_peek_line(d, at, &line, &n)) {
        at += n;
        if (!dlg_starts(line, tag))
            continue;
        *all = tw_view_sub(rest, 0, at);
        *good = dlg_starts(tw_view_sub(line, len, line.len), " OK");
        dlg_take(d, at);
        return true;
    }
    return false;
}

enum tw_dialogue_state imap_step(struct tw_dialogue *d)
{
    struct tw_view line, all;
    size_t n;
    bool good = false;
    if (d->stage == 0) {
        if (!dlg_peek_line(d, 0, &line, &n))
            return TW_DIALOGUE_GOING_ON;
        if (!dlg_starts(line, "* "))
            return dlg_not_spoken(d, "its greeting is no IMAP");
        dlg_note(d, TW_SERVER, "greeting", 0, line);
        dlg_take(d, n);
        d->stage = 1;
        if (!dlg_starts(line, "* OK"))
            return dlg_refused(d, "it does not serve this client");
        dlg_line(d, "a1 CAPABILITY");
        return TW_DIALOGUE_GOING_ON;
    }
    if (!tagged(d, d->stage == 1 ? "a1" : "a2", &all, &good))
        return TW_DIALOGUE_GOING_ON;
    dlg_note(d, TW_SERVER, d->stage == 1 ? "capabilities" : "answer", good, all);
    if (d->stage++ != 1)
        return good ? TW_DIALOGUE_READY : refuses(d);
    if (!dlg_has(all, "STARTTLS"))
        return no_upgrade(d);
    dlg_line(d, "a2 STARTTLS");
    return TW_DIALOGUE_GOING_ON;
}

/* ---- POP3 -------------------------------------------------------------------------------------------- */

/* Lines up to a single dot. */
static bool dotted(struct tw_dialogue *d, struct tw_view *all)
{
    struct tw_view line, rest = dlg_rest(d);
    size_t at = 0, n;
    while (dlg_peek_line(d, at, &line, &n)) {
        at += n;
        if (line.len != 1 || line.data[0] != '.')
            continue;
        *all = tw_view_sub(rest, 0, at);
        dlg_take(d, at);
        return true;
    }
    return false;
}

enum tw_dialogue_state pop3_step(struct tw_dialogue *d)
{
    struct tw_view line, all;
    size_t n;
    if (!dlg_peek_line(d, 0, &line, &n))
        return TW_DIALOGUE_GOING_ON;
    bool good = dlg_starts(line, "+OK");
    if (!good && !dlg_starts(line, "-ERR"))
        return dlg_not_spoken(d, "its answers are no POP3");
    if (d->stage == 1 && good) {
        if (!dotted(d, &all))
            return TW_DIALOGUE_GOING_ON;
        dlg_note(d, TW_SERVER, "capabilities", 1, all);
        d->stage = 2;
        if (!dlg_has(all, "STLS"))
            return no_upgrade(d);
        dlg_line(d, "STLS");
        return TW_DIALOGUE_GOING_ON;
    }
    dlg_note(d, TW_SERVER, d->stage == 0 ? "greeting" : "answer", good, line);
    dlg_take(d, n);
    switch (d->stage++) {
    case 0:
        if (!good)
            return dlg_refused(d, "it does not serve this client");
        dlg_line(d, "CAPA");
        return TW_DIALOGUE_GOING_ON;
    case 1: /* a server that knows no CAPA may know STLS */
        dlg_line(d, "STLS");
        return TW_DIALOGUE_GOING_ON;
    default:
        return good ? TW_DIALOGUE_READY : refuses(d);
    }
}

/* ---- NNTP -------------------------------------------------------------------------------------------- */

enum tw_dialogue_state nntp_step(struct tw_dialogue *d)
{
    struct tw_view line, all;
    size_t n;
    if (!dlg_peek_line(d, 0, &line, &n))
        return TW_DIALOGUE_GOING_ON;
    if (line.len < 3 || line.data[0] < '1' || line.data[0] > '5')
        return dlg_not_spoken(d, "its answers are no NNTP");
    if (d->stage == 1 && dlg_starts(line, "101")) {
        if (!dotted(d, &all))
            return TW_DIALOGUE_GOING_ON;
        dlg_note(d, TW_SERVER, "capabilities", 101, all);
        d->stage = 2;
        if (!dlg_has(all, "STARTTLS"))
            return no_upgrade(d);
        dlg_line(d, "STARTTLS");
        return TW_DIALOGUE_GOING_ON;
    }
    dlg_note(d, TW_SERVER, d->stage == 0 ? "greeting" : "answer", 0, line);
    dlg_take(d, n);
    switch (d->stage++) {
    case 0:
        if (line.data[0] != '2')
            return dlg_refused(d, "it does not serve this client");
        dlg_line(d, "CAPABILITIES");
        return TW_DIALOGUE_GOING_ON;
    case 1:
        dlg_line(d, "STARTTLS");
        return TW_DIALOGUE_GOING_ON;
    default:
        return dlg_starts(line, "382") ? TW_DIALOGUE_READY : refuses(d);
    }
}

/* ---- ManageSieve ------------------------------------------------------------------------------------- */

enum tw_dialogue_state sieve_step(struct tw_dialogue *d)
{
    struct tw_view line, rest = dlg_rest(d);
    size_t at = 0, n;
    while (dlg_peek_line(d, at, &line, &n)) {
        at += n;
        bool ok = dlg_starts(line, "OK"), no = dlg_starts(line, "NO") || dlg_starts(line, "BYE");
        if (!ok && !no && (line.len == 0 || line.data[0] != '"'))
            return dlg_not_spoken(d, "its greeting is no ManageSieve");
        if (!ok && !no)
            continue;
        struct tw_view all = tw_view_sub(rest, 0, at);
        dlg_note(d, TW_SERVER, d->stage == 0 ? "capabilities" : "answer", ok, all);
        dlg_take(d, at);
        if (d->stage++ > 0)
            return ok ? TW_DIALOGUE_READY : refuses(d);
        if (!ok || !dlg_has(all, "\"STARTTLS\""))
            return ok ? no_upgrade(d) : dlg_refused(d, "it does not serve this client");
        dlg_line(d, "STARTTLS");
        return TW_DIALOGUE_GOING_ON;
    }
    return TW_DIALOGUE_GOING_ON;
}

/* ---- IRC ------------------------------------------------------------------------------------------------ */

enum tw_dialogue_state irc_step(struct tw_dialogue *d)
{
    struct tw_view line;
    size_t n;
    if (d->stage == 0) {
        d->stage = 1;
        dlg_line(d, "STARTTLS");
        return TW_DIALOGUE_GOING_ON;
    }
    while (dlg_peek_line(d, 0, &line, &n)) {
        dlg_note(d, TW_SERVER, "answer", 0, line);
        dlg_take(d, n);
        if (dlg_has(line, " 670 "))
            return TW_DIALOGUE_READY;
        if (dlg_has(line, " 691 ") || dlg_has(line, " 421 ") || dlg_has(line, " 451 ") ||
            dlg_starts(line, "ERROR"))
            return refuses(d);
        if (dlg_starts(line, "PING "))
            dlg_line(d, "PONG %.*s", (int)(line.len - 5 < 200 ? line.len - 5 : 200),
                     (const char *)line.data + 5);
        else if (line.len > 0 && line.data[0] != ':' && !dlg_starts(line, "NOTICE"))
            return dlg_not_spoken(d, "its answers are no IRC");
    }
    return TW_DIALOGUE_GOING_ON;
}
