/* What the protocols share. A protocol is a row (struct tw_protocol) and a step function. */
#ifndef TW_DIALOGUE_INTERNAL_H
#define TW_DIALOGUE_INTERNAL_H

#include "dialogue/dialogue.h"

/** Looks at what has come (d->in) and answers. GOING_ON with nothing consumed waits for more. */
typedef enum tw_dialogue_state step_fn(struct tw_dialogue *d);

struct tw_protocol {
    const char *name, *title, *upgrade;
    unsigned port, tls_port;
    step_fn *step;
    bool proxy, database, framed;
    const char *source;
};

struct tw_dialogue {
    struct tw_dialogue_config cfg;
    const struct tw_protocol *p;
    uint64_t now;
    unsigned stage;          /* counts the protocol's own steps from 0 */
    struct tw_buf in, out;
    size_t pos;              /* consumed of in */
    bool offered, framed;
    enum tw_dialogue_state state;
    struct tw_buf frame;     /* half a TDS packet */
};

/** DIALOGUE fact. text is made printable. field: greeting, capabilities, request, answer, result. */
void dlg_note(struct tw_dialogue *d, enum tw_side from, const char *field, int64_t num,
              struct tw_view text);
/** Queues bytes and notes them as a request; shown = how a person would write it. */
void dlg_say(struct tw_dialogue *d, const char *shown, struct tw_view bytes);
/** Queues a line (CR LF is added). */
void dlg_line(struct tw_dialogue *d, const char *fmt, ...) TW_PRINTF(2, 3);
/** What came and was not consumed. */
struct tw_view dlg_rest(const struct tw_dialogue *d);
void dlg_take(struct tw_dialogue *d, size_t n);
/** Next whole line without its line end; false: it is not there yet. Does not consume: *n says how
 *  many bytes it takes with its end. */
bool dlg_peek_line(const struct tw_dialogue *d, size_t from, struct tw_view *line, size_t *n);
/** Ends with a reason for people. */
enum tw_dialogue_state dlg_refused(struct tw_dialogue *d, const char *why);
enum tw_dialogue_state dlg_not_spoken(struct tw_dialogue *d, const char *why);
bool dlg_has(struct tw_view v, const char *word); /* any case */
bool dlg_starts(struct tw_view v, const char *word);

step_fn smtp_step, lmtp_step, imap_step, pop3_step, ftp_step, nntp_step, sieve_step, irc_step,
    xmpp_client_step, xmpp_server_step, ldap_step, postgres_step, mysql_step, tds_step, rdp_step,
    vnc_step, connect_step, socks4_step, socks5_step;

#endif
