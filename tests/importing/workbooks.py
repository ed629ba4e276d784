"""Workbooks for tests, written part by part so that each oddity of real ones can be had."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# by number, as `cell(…, style=n)` names them
FORMATS = (
    "",
    "dd/mm/yyyy",
    "00000",
    '0#" "##" "##" "##" "##',
    '#,##0.00\\ "€"',
    "dd/mm/yyyy hh:mm",
    "[h]:mm",
)


def cell(reference: str, value: str | float | None, *, kind: str = "", style: int = 0) -> str:
    """`kind` as the file has it: n, s, str, b, e, inlineStr; "" chooses."""
    if not kind:
        kind = "inlineStr" if isinstance(value, str) else "n"
    if value is None:
        return f'<c r="{reference}" s="{style}"/>'
    text = escape(str(value))
    inner = f"<is><t>{text}</t></is>" if kind == "inlineStr" else f"<v>{text}</v>"
    return f'<c r="{reference}" s="{style}" t="{kind}">{inner}</c>'


def row(number: int, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def texts(number: int, *values: str | float) -> str:
    return row(
        number, *(cell(f"{chr(65 + n)}{number}", value) for n, value in enumerate(values) if value != "")
    )


def sheet(*rows: str, after: str = "") -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData>{after}</worksheet>'


def table(rows: Sequence[Sequence[str | float]]) -> bytes:
    """One sheet of texts and numbers."""
    return book({"Feuil1": sheet(*(texts(n, *cells) for n, cells in enumerate(rows, 1)))})


def book(
    sheets: Mapping[str, str],
    *,
    strings: Sequence[str] = (),
    hidden: Sequence[str] = (),
    since_1904: bool = False,
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """`strings`: the insides of shared strings, such as `<t>Lyon</t>`."""
    listed, related = [], []
    parts: dict[str, str] = {}
    for n, (name, xml) in enumerate(sheets.items(), 1):
        state = ' state="hidden"' if name in hidden else ""
        listed.append(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="r{n}"{state}/>')
        related.append(
            f'<Relationship Id="r{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        )
        parts[f"xl/worksheets/sheet{n}.xml"] = xml
    related.append(f'<Relationship Id="rs" Type="{RELATIONS}/styles" Target="styles.xml"/>')
    related.append(f'<Relationship Id="rt" Type="{RELATIONS}/sharedStrings" Target="/xl/sharedStrings.xml"/>')
    own = "".join(
        f'<numFmt numFmtId="{163 + n}" formatCode={quoteattr(code)}/>' for n, code in enumerate(FORMATS) if n
    )
    formats = "".join(f'<xf numFmtId="{163 + n if n else 0}"/>' for n in range(len(FORMATS)))
    parts |= {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
        f'<workbookPr date1904="{int(since_1904)}"/><sheets>{"".join(listed)}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{"".join(related)}</Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts>{own}</numFmts><cellXfs>{formats}</cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{"".join(f"<si>{one}</si>" for one in strings)}</sst>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in parts.items():
            archive.writestr(path, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
        for path, data in (more or {}).items():
            archive.writestr(path, data)
    return file.getvalue()
