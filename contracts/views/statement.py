"""The statement of a contract: as a page, on paper, and for a spreadsheet."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import content_disposition_header

from contracts import paper
from contracts.queries.statement import Statement, csv_rows, statement_of
from contracts.views.base import ContractView
from payments.exports import BYTE_ORDER_MARK, as_csv


class StatementView(ContractView):
    """A contract's statement for the acting side, to whoever sees the contract."""

    def statement(self, reference: str) -> Statement:
        return statement_of(self.agreed(reference), self.actor)


class AsPage(StatementView):
    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        context = _context(self.statement(reference)) | {"has_pdf": paper.is_possible()}
        return render(request, "contracts/statement.html", context)


class AsPdf(StatementView):
    """The same on A4; where that cannot be made, a page that says what to do instead."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        statement = self.statement(reference)
        try:
            made = paper.pdf(render_to_string("contracts/statement_pdf.html", _context(statement)))
        except paper.NoPaper:
            context = {"contract": statement.contract}
            return render(request, "contracts/statement_no_pdf.html", context, status=503)
        return _file(made, f"{statement.file_name}.pdf", "application/pdf")


class AsCsv(StatementView):
    """The lines of money with their sums."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        statement = self.statement(reference)
        content = BYTE_ORDER_MARK + as_csv(csv_rows(statement))
        return _file(content.encode(), f"{statement.file_name}.csv", "text/csv; charset=utf-8")


def _context(statement: Statement) -> dict[str, object]:
    return {"statement": statement, "contract": statement.contract}


def _file(content: bytes, name: str, kind: str) -> HttpResponse:
    named = content_disposition_header(as_attachment=True, filename=name)
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": named})
