"""What an import keeps beside its contacts: staged rows, rejects, refusals, what stood before."""

_STAGED = """
    DELETE FROM import_parts r USING imports i
    WHERE r.account_id = $1 AND i.account_id = $1 AND i.id = r.import_id AND i.created_at <= $2
    """
_REJECTS = """
    DELETE FROM import_rejects r USING imports i
    WHERE r.account_id = $1 AND i.account_id = $1 AND i.id = r.import_id AND i.created_at <= $2
    """
_OPT_OUTS = """
    DELETE FROM import_opt_outs o USING imports i
    WHERE o.account_id = $1 AND i.account_id = $1 AND i.id = o.import_id AND i.created_at <= $2
    """
LEFTOVERS = (_STAGED, _REJECTS, _OPT_OUTS)
# Their own job forgets them after seven days; this is for one that never came to its end.
_CHANGED = """
    DELETE FROM import_changes r USING imports i
    WHERE r.account_id = $1 AND i.account_id = $1 AND i.id = r.import_id AND i.finished_at <= $2
      AND i.state <> 'undoing'
    """
_VALUES = """
    DELETE FROM import_values r USING imports i
    WHERE r.account_id = $1 AND i.account_id = $1 AND i.id = r.import_id AND i.finished_at <= $2
      AND i.state <> 'undoing'
    """
_REMOVALS = """
    DELETE FROM import_removals r USING imports i
    WHERE r.account_id = $1 AND i.account_id = $1 AND i.id = r.import_id AND i.finished_at <= $2
      AND i.state <> 'undoing'
    """
CHANGES = (_CHANGED, _VALUES, _REMOVALS)
