"""The doctor's look at backups taken from this machine: is there one, and is it of today?"""

import asyncio
from datetime import datetime, timedelta

from mailer.core import backup_files, backups
from mailer.core.backup_files import BackupDamaged
from mailer.core.settings import Settings
from mailer.finding import Finding, look, ok, wrong

LATE = timedelta(hours=36)


async def look_at(settings: Settings, now: datetime) -> list[Finding]:
    """Nothing for a copy on somebody's own machine, which nobody depends on."""
    folders = await asyncio.to_thread(backups.folders, settings.data_dir)
    if not folders:
        if settings.local:
            return []
        text = "none was taken from this machine"
        return [look("Backups", text, "Call `mailer backup FOLDER` daily: deploy/docs/operating.md.")]
    found = []
    for folder in folders:
        try:
            backup = await asyncio.to_thread(backup_files.newest, folder)
            manifest = await asyncio.to_thread(backup_files.manifest, backup)
        except BackupDamaged as error:
            found.append(wrong("Backups", str(error), "Take one: `mailer backup FOLDER`."))
            continue
        text = f"the newest in {folder} is of {manifest.at:%Y-%m-%d %H:%M} UTC"
        if now - manifest.at > LATE:
            found.append(look("Backups", text, "Take one daily; read the log of what should have."))
        else:
            found.append(ok("Backups", text))
    return found
