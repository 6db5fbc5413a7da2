// A paper brokerage for tests that errs: it rejects, fills late and in parts, says so late, twice and out of order, gives
// orders back without their tags, and loses its connection. Its account lies in files (holdings.json, orders.json,
// cash.json), which outlive LEAN, and which a test may change while it is disconnected. What it does wrong misdeeds.json
// says; fills.txt has what it did.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Newtonsoft.Json;
using QuantConnect;
using QuantConnect.Brokerages;
using QuantConnect.Interfaces;
using QuantConnect.Logging;
using QuantConnect.Orders;
using QuantConnect.Orders.Fees;
using QuantConnect.Packets;
using QuantConnect.Securities;

public class Misdeeds
{
    public int Seed { get; set; }
    public double Reject { get; set; }       // share of orders
    public double Delay { get; set; }        // seconds at most until a fill
    public double Parts { get; set; }        // share of fills that are only of a part
    public double Late { get; set; }         // seconds at most until it is said: so events overtake each other
    public double Twice { get; set; }        // share of events that are said again
    public bool Tagless { get; set; }        // whether orders come back without their tags
}

public class WorkingOrder
{
    public string Id { get; set; }
    public Symbol Symbol { get; set; }
    public decimal Left { get; set; }
    public decimal? Limit { get; set; }
    public string Tag { get; set; }
    public DateTime Due { get; set; }
}

public class ErringBrokerage : Brokerage
{
    private const decimal Fee = 1;  // of a fill
    private static readonly string Folder = Environment.GetEnvironmentVariable("ALO_TEST_ACCOUNT");
    private readonly IAlgorithm _algorithm;
    private readonly Misdeeds _misdeeds;
    private readonly Random _chance;
    private readonly object _gate = new object();
    private readonly List<(DateTime Due, string Id, OrderStatus Status, decimal Quantity, decimal Price)> _unsaid = new();
    private List<Holding> _holdings;
    private List<WorkingOrder> _working;
    private volatile bool _connected;
    private volatile bool _ended;
    private volatile bool _asked;  // what the account holds: before that another process may trade in it
    private decimal _cash;
    private int _last;

    public ErringBrokerage(IAlgorithm algorithm) : base("Erring Brokerage")
    {
        _algorithm = algorithm;
        _misdeeds = Read<Misdeeds>("misdeeds.json") ?? new Misdeeds();
        _holdings = Read<List<Holding>>("holdings.json") ?? new List<Holding>();
        _working = Read<List<WorkingOrder>>("orders.json") ?? new List<WorkingOrder>();
        _cash = Read<decimal?>("cash.json") ?? 1_000_000m;
        _last = Read<int>("last.json");
        _chance = new Random(_misdeeds.Seed + _last);
    }

    public override bool IsConnected => _connected;

    public override void Connect()
    {
        _connected = true;
        new Thread(Run) { IsBackground = true, Name = "erring" }.Start();
    }

    public override void Disconnect()
    {
        _ended = true;
    }

    public override bool PlaceOrder(Order order)
    {
        lock (_gate)
        {
            var id = $"E{++_last}";
            Write("last.json", _last);
            order.BrokerId.Add(id);
            if (!_connected || _chance.NextDouble() < _misdeeds.Reject)
            {
                Say(id, OrderStatus.Invalid, 0, 0);
                return true;
            }
            File.AppendAllText(Path.Combine(Folder, "received.txt"), $"{id} {order.Symbol.Value} {order.Quantity} {order.Tag}\n");
            _working.Add(new WorkingOrder
            {
                Id = id,
                Symbol = order.Symbol,
                Left = order.Quantity,
                Limit = (order as LimitOrder)?.LimitPrice,
                Tag = order.Tag,
                Due = DateTime.UtcNow.AddSeconds(_chance.NextDouble() * _misdeeds.Delay)
            });
            Write("orders.json", _working);
            Say(id, OrderStatus.Submitted, 0, 0);
            return true;
        }
    }

    public override bool UpdateOrder(Order order)
    {
        lock (_gate)
        {
            var working = _working.FirstOrDefault(each => order.BrokerId.Contains(each.Id));
            if (working == null || !_connected)
            {
                return false;
            }
            working.Limit = (order as LimitOrder)?.LimitPrice;
            Write("orders.json", _working);
            Say(working.Id, OrderStatus.UpdateSubmitted, 0, 0);
            return true;
        }
    }

    public override bool CancelOrder(Order order)
    {
        lock (_gate)
        {
            var working = _working.FirstOrDefault(each => order.BrokerId.Contains(each.Id));
            if (working == null || !_connected)
            {
                return false;
            }
            File.AppendAllText(Path.Combine(Folder, "canceled.txt"), $"{working.Id}\n");
            _working.Remove(working);
            Write("orders.json", _working);
            Say(working.Id, OrderStatus.Canceled, 0, 0);
            return true;
        }
    }

    public override List<Order> GetOpenOrders()
    {
        lock (_gate)
        {
            return _working.Select(each =>
            {
                var tag = _misdeeds.Tagless ? "" : each.Tag;
                Order order = each.Limit == null
                    ? new MarketOrder(each.Symbol, each.Left, DateTime.UtcNow, tag)
                    : new LimitOrder(each.Symbol, each.Left, each.Limit.Value, DateTime.UtcNow, tag);
                order.BrokerId.Add(each.Id);
                order.Status = OrderStatus.Submitted;
                return order;
            }).ToList();
        }
    }

    public override List<Holding> GetAccountHoldings()
    {
        lock (_gate)
        {
            return _holdings.Where(each => each.Quantity != 0).ToList();
        }
    }

    public override List<CashAmount> GetCashBalance()
    {
        lock (_gate)
        {
            if (!_asked)
            {
                _holdings = Read<List<Holding>>("holdings.json") ?? _holdings;
                _working = Read<List<WorkingOrder>>("orders.json") ?? _working;
                _cash = Read<decimal?>("cash.json") ?? _cash;
                _last = Read<int>("last.json");
                _asked = true;
            }
            return new List<CashAmount> { new CashAmount(_cash, Currencies.USD) };
        }
    }

    // What is done, and said, by itself -----------------------------------------------------------------------------

    private void Run()
    {
        while (!_ended)
        {
            try
            {
                Beat();
            }
            catch (Exception error)
            {
                Log.Error(error);
            }
            Thread.Sleep(50);
        }
    }

    private void Beat()
    {
        var apart = File.Exists(Path.Combine(Folder, "disconnect"));
        if (apart == _connected)
        {
            if (!apart)
            {
                lock (_gate)  // what somebody did to the account meanwhile
                {
                    _holdings = Read<List<Holding>>("holdings.json") ?? _holdings;
                    _working = Read<List<WorkingOrder>>("orders.json") ?? _working;
                }
            }
            _connected = !apart;
            OnMessage(apart
                ? new BrokerageMessageEvent(BrokerageMessageType.Disconnect, "gone", "the connection is lost")
                : new BrokerageMessageEvent(BrokerageMessageType.Reconnect, "back", "the connection is back"));
        }
        var due = new List<(DateTime Due, string Id, OrderStatus Status, decimal Quantity, decimal Price)>();
        lock (_gate)
        {
            if (!apart && _asked)
            {
                foreach (var order in _working.Where(each => each.Due <= DateTime.UtcNow).ToList())
                {
                    Fill(order);
                }
            }
            due.AddRange(_unsaid.Where(each => each.Due <= DateTime.UtcNow).OrderBy(each => each.Due));
            _unsaid.RemoveAll(each => due.Contains(each));
        }
        foreach (var each in due.Where(_ => _connected))  // what is said to nobody is lost
        {
            var order = _algorithm.Transactions.GetOrdersByBrokerageId(each.Id).FirstOrDefault();
            if (order != null)
            {
                var fee = new OrderFee(new CashAmount(each.Quantity == 0 ? 0 : Fee, Currencies.USD));
                OnOrderEvent(new OrderEvent(order, DateTime.UtcNow, fee, "erring")
                {
                    Status = each.Status,
                    FillQuantity = each.Quantity,
                    FillPrice = each.Price
                });
            }
        }
    }

    private void Fill(WorkingOrder order)
    {
        if (!_algorithm.Securities.TryGetValue(order.Symbol, out var security))
        {
            return;
        }
        var price = order.Left > 0 ? security.AskPrice : security.BidPrice;
        price = price == 0 ? security.Price : price;
        var beyond = order.Limit != null && (order.Left > 0 ? price > order.Limit : price < order.Limit);
        if (price == 0 || beyond)
        {
            return;
        }
        var size = Math.Abs(order.Left);
        var part = size > 1 && _chance.NextDouble() < _misdeeds.Parts ? 1 + _chance.Next((int)size - 1) : size;
        var filled = Math.Sign(order.Left) * part;
        order.Left -= filled;
        order.Due = DateTime.UtcNow.AddSeconds(_chance.NextDouble() * _misdeeds.Delay);
        if (order.Left == 0)
        {
            _working.Remove(order);
        }
        _cash -= filled * price * (order.Symbol.SecurityType == SecurityType.Option ? 100 : 1) + Fee;
        Write("cash.json", _cash);
        File.AppendAllText(
            Path.Combine(Folder, "fills.txt"), $"{DateTime.UtcNow:O}|{order.Symbol.Value}|{filled}|{price}|{order.Tag}\n");
        Hold(order.Symbol, filled, price);
        Write("orders.json", _working);
        Say(order.Id, order.Left == 0 ? OrderStatus.Filled : OrderStatus.PartiallyFilled, filled, price);
    }

    private void Hold(Symbol symbol, decimal quantity, decimal price)
    {
        var holding = _holdings.FirstOrDefault(each => each.Symbol == symbol);
        if (holding == null)
        {
            holding = new Holding { Symbol = symbol };
            _holdings.Add(holding);
        }
        var after = holding.Quantity + quantity;
        if (holding.Quantity * quantity >= 0 && after != 0)
        {
            holding.AveragePrice = (holding.Quantity * holding.AveragePrice + quantity * price) / after;
        }
        else if (holding.Quantity * after < 0)
        {
            holding.AveragePrice = price;
        }
        holding.Quantity = after;
        _holdings.RemoveAll(each => each.Quantity == 0);
        Write("holdings.json", _holdings.Select(each => new { symbol = each.Symbol, a = each.AveragePrice, q = each.Quantity }));
    }

    private void Say(string id, OrderStatus status, decimal quantity, decimal price)
    {
        for (var times = _chance.NextDouble() < _misdeeds.Twice ? 2 : 1; times > 0; times--)
        {
            _unsaid.Add((DateTime.UtcNow.AddSeconds(_chance.NextDouble() * _misdeeds.Late), id, status, quantity, price));
        }
    }

    private static T Read<T>(string name)
    {
        var path = Path.Combine(Folder, name);
        return File.Exists(path) ? JsonConvert.DeserializeObject<T>(File.ReadAllText(path)) : default;
    }

    private static void Write(string name, object value)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path + ".new", JsonConvert.SerializeObject(value));
        File.Move(path + ".new", path, true);
    }
}

public class ErringBrokerageFactory : BrokerageFactory
{
    public ErringBrokerageFactory() : base(typeof(ErringBrokerage))
    {
    }

    public override Dictionary<string, string> BrokerageData => new Dictionary<string, string>();

    public override IBrokerageModel GetBrokerageModel(IOrderProvider orderProvider) => new DefaultBrokerageModel();

    public override IBrokerage CreateBrokerage(LiveNodePacket job, IAlgorithm algorithm)
    {
        return new ErringBrokerage(algorithm);
    }

    public override void Dispose()
    {
    }
}
