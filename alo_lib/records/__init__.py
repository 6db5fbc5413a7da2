"""The ground that every room stands on: record layouts, the numbering of instruments, units of time."""

from typing import TYPE_CHECKING

from alo_lib.exports import export_lazily

if TYPE_CHECKING:
    from alo_lib.records.adoption import ADOPTED_PART
    from alo_lib.records.funnel import BOOK_LIMITS, ENTRY_LIMITS, FUNNEL_STAGES, STAGE_MEANINGS
    from alo_lib.records.instruments import (
        EQUITY_MULTIPLIER,
        OPTION_MULTIPLIER,
        Contract,
        InstrumentTable,
        osi_expiry,
        osi_symbol,
    )
    from alo_lib.records.kinds import (
        ActionKind,
        BookMode,
        DividendKind,
        HaltCause,
        HostEvent,
        InstrumentKind,
        Kind,
        OrderReason,
        OrderStatus,
        OrderType,
        Stage,
        TargetStage,
        TradeState,
        bits_of,
        halts_of,
    )
    from alo_lib.records.layouts import (
        ACCOUNT_CASH,
        EVENT_NAME,
        EVENT_TEXT,
        LAYOUTS,
        LIMIT_NAME,
        SCHEMA_VERSION,
        WHOLE_BOOK,
        Message,
        Records,
        crossed,
        records,
        sent_together,
    )
    from alo_lib.records.legs import (
        LEGS,
        MAX_LEGS,
        MAX_RATIO,
        NO_LEG,
        RATIOS,
        STRUCTURE_NAME,
        leg_columns,
        legs_and_ratios,
        legs_of,
        ratios_of,
        sides_of,
    )
    from alo_lib.records.market_state import MATURITIES
    from alo_lib.records.operators import SENDER, OperatorCommand
    from alo_lib.records.policy import POLICY_TEXT
    from alo_lib.records.profit import PROFIT_PARTS
    from alo_lib.records.ranges import RANGES, TIMES, Fault, Members, Range, range_fault
    from alo_lib.records.remarks import remark
    from alo_lib.records.sessions import Session
    from alo_lib.records.splits import whole_shares
    from alo_lib.records.storing import TRANSIENT, Alternatives, Linked, Transient
    from alo_lib.records.tables import one_table
    from alo_lib.records.takeover import TAKEOVER_VERSION
    from alo_lib.records.ticks import TICK, to_tick
    from alo_lib.records.units import (
        CALENDAR_DAY,
        DAY,
        DAYS_A_YEAR,
        FIRST_DAY,
        HOUR,
        LAST_DAY,
        MICROSECOND,
        MILLISECOND,
        MINUTE,
        NEW_YORK,
        SECOND,
        SECONDS_A_DAY,
        TRADING_DAYS,
        VOLATILITY_POINT,
        YEAR,
        utc_moment,
        years_between,
    )
    from alo_lib.records.versions import READ_SCHEMAS, layout_of, records_of

__all__ = [
    "ACCOUNT_CASH",
    "ADOPTED_PART",
    "BOOK_LIMITS",
    "CALENDAR_DAY",
    "DAY",
    "DAYS_A_YEAR",
    "ENTRY_LIMITS",
    "EQUITY_MULTIPLIER",
    "EVENT_NAME",
    "EVENT_TEXT",
    "FIRST_DAY",
    "FUNNEL_STAGES",
    "HOUR",
    "LAST_DAY",
    "LAYOUTS",
    "LEGS",
    "LIMIT_NAME",
    "MATURITIES",
    "MAX_LEGS",
    "MAX_RATIO",
    "MICROSECOND",
    "MILLISECOND",
    "MINUTE",
    "NEW_YORK",
    "NO_LEG",
    "OPTION_MULTIPLIER",
    "POLICY_TEXT",
    "PROFIT_PARTS",
    "RANGES",
    "RATIOS",
    "READ_SCHEMAS",
    "SCHEMA_VERSION",
    "SECOND",
    "SECONDS_A_DAY",
    "SENDER",
    "STAGE_MEANINGS",
    "STRUCTURE_NAME",
    "TAKEOVER_VERSION",
    "TICK",
    "TIMES",
    "TRADING_DAYS",
    "TRANSIENT",
    "VOLATILITY_POINT",
    "WHOLE_BOOK",
    "YEAR",
    "ActionKind",
    "Alternatives",
    "BookMode",
    "Contract",
    "DividendKind",
    "Fault",
    "HaltCause",
    "HostEvent",
    "InstrumentKind",
    "InstrumentTable",
    "Kind",
    "Linked",
    "Members",
    "Message",
    "OperatorCommand",
    "OrderReason",
    "OrderStatus",
    "OrderType",
    "Range",
    "Records",
    "Session",
    "Stage",
    "TargetStage",
    "TradeState",
    "Transient",
    "bits_of",
    "crossed",
    "halts_of",
    "layout_of",
    "leg_columns",
    "legs_and_ratios",
    "legs_of",
    "one_table",
    "osi_expiry",
    "osi_symbol",
    "range_fault",
    "ratios_of",
    "records",
    "records_of",
    "remark",
    "sent_together",
    "sides_of",
    "to_tick",
    "utc_moment",
    "whole_shares",
    "years_between",
]

export_lazily(__name__)
