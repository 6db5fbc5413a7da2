"""The ground that every room stands on: record layouts, the numbering of instruments, units of time."""

from typing import TYPE_CHECKING

from alo_lib.exports import export_lazily

if TYPE_CHECKING:
    from alo_lib.records.funnel import ENTRY_LIMITS, FUNNEL_STAGES, STAGE_MEANINGS
    from alo_lib.records.instruments import (
        EQUITY_MULTIPLIER,
        OPTION_MULTIPLIER,
        Contract,
        InstrumentTable,
        osi_expiry,
        osi_symbol,
    )
    from alo_lib.records.kinds import (
        HaltCause,
        HostEvent,
        InstrumentKind,
        Kind,
        OrderReason,
        OrderStatus,
        OrderType,
        Stage,
        TargetStage,
    )
    from alo_lib.records.layouts import (
        ACCOUNT_CASH,
        EVENT_NAME,
        EVENT_TEXT,
        LAYOUTS,
        SCHEMA_VERSION,
        Message,
        Records,
        crossed,
        records,
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
    )
    from alo_lib.records.profit import PROFIT_PARTS
    from alo_lib.records.ranges import RANGES, TIMES, Fault, Members, Range, range_fault
    from alo_lib.records.remarks import remark
    from alo_lib.records.sessions import Session
    from alo_lib.records.splits import whole_shares
    from alo_lib.records.storing import TRANSIENT, Alternatives, Linked, Transient
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
        YEAR,
        utc_moment,
        years_between,
    )

__all__ = [
    "ACCOUNT_CASH",
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
    "MAX_LEGS",
    "MAX_RATIO",
    "MICROSECOND",
    "MILLISECOND",
    "MINUTE",
    "NEW_YORK",
    "NO_LEG",
    "OPTION_MULTIPLIER",
    "PROFIT_PARTS",
    "RANGES",
    "RATIOS",
    "SCHEMA_VERSION",
    "SECOND",
    "SECONDS_A_DAY",
    "STAGE_MEANINGS",
    "STRUCTURE_NAME",
    "TIMES",
    "TRADING_DAYS",
    "TRANSIENT",
    "YEAR",
    "Alternatives",
    "Contract",
    "Fault",
    "HaltCause",
    "HostEvent",
    "InstrumentKind",
    "InstrumentTable",
    "Kind",
    "Linked",
    "Members",
    "Message",
    "OrderReason",
    "OrderStatus",
    "OrderType",
    "Range",
    "Records",
    "Session",
    "Stage",
    "TargetStage",
    "Transient",
    "crossed",
    "leg_columns",
    "legs_and_ratios",
    "legs_of",
    "osi_expiry",
    "osi_symbol",
    "range_fault",
    "ratios_of",
    "records",
    "remark",
    "utc_moment",
    "whole_shares",
    "years_between",
]

export_lazily(__name__)
