// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clearinghouse} from "../../src/Clearinghouse.sol";
import {Collateral} from "../../src/Collateral.sol";
import {Guard} from "../../src/Guard.sol";
import {InsuranceFund} from "../../src/InsuranceFund.sol";
import {InitialAddOns} from "../../src/InitialAddOns.sol";
import {LiquidationAuction} from "../../src/LiquidationAuction.sol";
import {Listings} from "../../src/Listings.sol";
import {MarginLens} from "../../src/MarginLens.sol";
import {BlockhashSource} from "../../src/BlockhashSource.sol";
import {IAttestationConfig} from "../../src/interfaces/IAttestationConfig.sol";
import {MarginOracle} from "../../src/MarginOracle.sol";
import {MarketFeeds} from "../../src/MarketFeeds.sol";
import {RiskEngine} from "../../src/RiskEngine.sol";
import {Treasury} from "../../src/Treasury.sol";
import {SpotFeeds} from "../../src/SpotFeeds.sol";
import {WindDown} from "../../src/WindDown.sol";
import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IMarginLens} from "../../src/interfaces/IMarginLens.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {RoundsLib} from "../../src/libraries/RoundsLib.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {PriceFeedMock} from "../../src/mocks/PriceFeedMock.sol";
import {TokenMock} from "../../src/mocks/TokenMock.sol";
import {UsdCoin} from "../../src/mocks/UsdCoin.sol";
import {
    ExpiryQuote,
    Leg,
    MarginAttestation,
    MarginClaim,
    MarginLeaf,
    MarginRequest,
    Order,
    Signature
} from "../../src/types/Types.sol";
import {Assertions} from "./Assertions.sol";
import {Merkle} from "./Merkle.sol";
import {Model} from "./Model.sol";

/// @title The whole system, deployed, with two underlyings, named actors and fresh markets
abstract contract Fixture is Assertions {
    struct Actor {
        uint256 key;
        address owner;
        bytes32 account;
    }

    uint16 internal constant BTC = 1;
    uint16 internal constant ETH = 2;
    uint8 internal constant SPOT = 1;
    uint8 internal constant PERPETUAL = 2;
    uint8 internal constant FUTURE = 3;
    uint8 internal constant CALL = 4;
    uint8 internal constant PUT = 5;

    uint256 internal constant START = 1_750_000_020; // a slot of the feeds
    uint256 internal constant START_BLOCK = 100_000;
    uint40 internal constant NEAR = uint40(START + 7 days);
    uint40 internal constant FAR = uint40(START + 30 days);
    uint64 internal constant BTC_SPOT = 60_000e8;
    uint64 internal constant ETH_SPOT = 3_000e8;
    uint32 internal constant MAX_SPOT_AGE = 1 hours;
    uint64 internal constant EPOCH_BLOCKS = 32;
    uint256 internal constant RESERVE = 50e6;
    bytes32 internal constant MODEL_HASH = keccak256("model of the tests");

    UsdCoin internal usdc;
    TokenMock internal btcToken;
    TokenMock internal ethToken;
    PriceFeedMock internal btcFeed;
    PriceFeedMock internal ethFeed;
    Guard internal guard;
    SpotFeeds internal spots;
    MarketFeeds internal feeds;
    WindDown internal windDown;
    RiskEngine internal engine;
    InitialAddOns internal addOns;
    MarginOracle internal oracle;
    Clearinghouse internal clearinghouse;
    Listings internal listings;
    Collateral internal collateral;
    Treasury internal treasury;
    LiquidationAuction internal auction;
    InsuranceFund internal fund;
    MarginLens internal lens;

    uint8 internal immutable FALL = Model.indexOf("systemic spot -1 vol up");
    uint8 internal immutable RISE = Model.indexOf("systemic spot +1 vol up");

    uint256[] internal feedKeys;
    uint256[] internal marginKeys;
    uint8 internal constant FEED_THRESHOLD = 2;
    uint8 internal constant MARGIN_THRESHOLD = 3;
    uint64 internal constant MAX_BLOCK_AGE = 128;
    /// @dev More than the books of these tests live on, so that only tests of the budget meet it.
    uint128 internal constant DISCOUNT_PER_DAY = 1_000_000_000e6;
    address internal guardian = address(0x96a2d1a);
    BlockhashSource internal blockHashes;

    Actor internal alice;
    Actor internal bob;
    Actor internal carol;
    Actor internal dealer;
    Actor internal liquidator;
    Actor internal flagger;
    Actor internal mallory;

    /// @dev So near to spot that no funding flows.
    uint64 internal perpetualRatio = 1.0002e18;
    uint64 private _salt;
    mapping(uint16 underlying => uint64) private _lastUpdate;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(START_BLOCK);
        alice = _actor("alice", 1);
        bob = _actor("bob", 1);
        carol = _actor("carol", 1);
        dealer = _actor("dealer", 1);
        liquidator = _actor("liquidator", 7);
        flagger = _actor("flagger", 0);
        mallory = _actor("mallory", 1);
        feedKeys = _sortedKeys("feed signer", 3);
        marginKeys = _sortedKeys("margin signer", 4);
        _deployMarkets();
        _deployCore();
        _listAll();
        _publish();
    }

    /* DEPLOYMENT */

    function _deployMarkets() private {
        usdc = new UsdCoin();
        btcToken = new TokenMock("Bitcoin", "BTC", 8);
        ethToken = new TokenMock("Ether", "ETH", 18);
        btcFeed = new PriceFeedMock(8, "BTC / USD");
        ethFeed = new PriceFeedMock(8, "ETH / USD");
        btcFeed.post(int64(BTC_SPOT));
        ethFeed.post(int64(ETH_SPOT));
        spots = new SpotFeeds(address(this), Model.scanRule(), _uptimeFeed(), 1 hours);
        spots.addUnderlying(BTC, address(btcFeed), MAX_SPOT_AGE, Model.sigmas()[0]);
        spots.addUnderlying(ETH, address(ethFeed), MAX_SPOT_AGE, Model.sigmas()[1]);
        guard = new Guard(address(this), guardian);
        feeds = new MarketFeeds(address(this), address(guard), address(spots), _addresses(feedKeys), FEED_THRESHOLD);
        windDown = new WindDown(address(this), address(feeds));
        spots.connectWindDown(address(windDown));
        feeds.addUnderlying(BTC, _limits(0));
        feeds.addUnderlying(ETH, _limits(1));
        for (uint16 u = BTC; u <= ETH; ++u) {
            feeds.addExpiry(u, NEAR);
            feeds.addExpiry(u, FAR);
        }
    }

    /// @dev Of an L2's sequencer; none here.
    function _uptimeFeed() internal virtual returns (address) {
        return address(0);
    }

    /// @dev So wide that tests may move marks at will; those of the limits themselves override.
    function _limits(uint256) internal view virtual returns (SpeedLib.Limits memory) {
        return SpeedLib.Limits(18e18, 18e18, 18e18, 9e18);
    }

    function _deployCore() private {
        (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) = Model.underlyings();
        engine = new RiskEngine(address(feeds), MODEL_HASH, Model.factors(), ids, risks, Model.scenarios());
        blockHashes = new BlockhashSource();
        oracle = new MarginOracle(_settings());
        feeds.connectOracle(address(oracle));
        clearinghouse = _newHouse(address(usdc));
        treasury = Treasury(address(clearinghouse.treasury()));
        collateral = Collateral(address(clearinghouse.collateral()));
        listings = Listings(address(clearinghouse.listings()));
        addOns = new InitialAddOns(
            address(engine), address(clearinghouse), Model.addOnRules(), RoundsLib.Feed(address(0), 0, 0)
        );
        engine.connectAddOns(address(addOns));
        auction = new LiquidationAuction(address(clearinghouse), address(engine), EPOCH_BLOCKS, ETH);
        clearinghouse.connectAuction(address(auction));
        oracle.connectClearinghouse(address(clearinghouse));
        fund = InsuranceFund(address(auction.fund()));
        listings.setSpotToken(BTC, address(btcToken));
        listings.setSpotToken(ETH, address(ethToken));
        listings.setOpenInterestCap(BTC, type(uint64).max);
        listings.setOpenInterestCap(ETH, type(uint64).max);
        lens = new MarginLens(address(clearinghouse), address(engine), address(feeds));
    }

    /// @dev The collateral first: it names the clearinghouse that comes next.
    function _newHouse(address dollar) internal returns (Clearinghouse house) {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        address tokens = address(new Collateral(next, address(spots)));
        house = new Clearinghouse(address(this), dollar, address(engine), address(oracle), tokens);
    }

    function _settings() internal view returns (IAttestationConfig.Settings memory) {
        return IAttestationConfig.Settings({
            owner: address(this),
            guard: address(guard),
            engine: address(engine),
            source: address(blockHashes),
            signers: _addresses(marginKeys),
            threshold: MARGIN_THRESHOLD,
            epochBlocks: EPOCH_BLOCKS,
            maxBlockAge: MAX_BLOCK_AGE,
            discountPerDay: DISCOUNT_PER_DAY,
            maxDiscountPerDay: 10 * DISCOUNT_PER_DAY
        });
    }

    function _listAll() private {
        listings.list(_allInstruments());
    }

    /// @dev Per underlying: SPOT, perpetual, and for each of two expiries a future and five strikes of calls and puts.
    function _allInstruments() internal pure returns (uint128[] memory ids) {
        ids = new uint128[](48);
        uint256 n;
        for (uint16 u = BTC; u <= ETH; ++u) {
            ids[n++] = _spot(u);
            ids[n++] = _perpetual(u);
            for (uint256 e; e < 2; ++e) {
                uint40 expiry = e == 0 ? NEAR : FAR;
                ids[n++] = _future(u, expiry);
                for (uint256 i; i < 5; ++i) {
                    ids[n++] = _call(u, expiry, _strike(u, i));
                }
                for (uint256 i; i < 5; ++i) {
                    ids[n++] = _put(u, expiry, _strike(u, i));
                }
            }
        }
    }

    /// @dev 80, 90, 100, 110, 120 % of the first spot.
    function _strike(uint16 u, uint256 i) internal pure returns (uint64) {
        return uint64(uint256(u == BTC ? BTC_SPOT : ETH_SPOT) * (80 + 10 * i) / 100);
    }

    /* INSTRUMENTS */

    function _id(uint16 u, uint40 expiry, uint8 kind, uint64 strike) internal pure returns (uint128) {
        return uint128(u) << 112 | uint128(expiry) << 72 | uint128(kind) << 64 | strike;
    }

    function _spot(uint16 u) internal pure returns (uint128) {
        return _id(u, 0, SPOT, 0);
    }

    function _perpetual(uint16 u) internal pure returns (uint128) {
        return _id(u, 0, PERPETUAL, 0);
    }

    function _future(uint16 u, uint40 expiry) internal pure returns (uint128) {
        return _id(u, expiry, FUTURE, 0);
    }

    function _call(uint16 u, uint40 expiry, uint64 strike) internal pure returns (uint128) {
        return _id(u, expiry, CALL, strike);
    }

    function _put(uint16 u, uint40 expiry, uint64 strike) internal pure returns (uint128) {
        return _id(u, expiry, PUT, strike);
    }

    /* ACTORS AND KEYS */

    function _actor(string memory name, uint96 sub) internal pure returns (Actor memory) {
        uint256 key = uint256(keccak256(bytes(name)));
        address owner = vm.addr(key);
        return Actor(key, owner, _account(owner, sub));
    }

    function _account(address owner, uint96 sub) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(owner)) << 96 | sub);
    }

    /// @dev Keys whose addresses are strictly ascending.
    function _sortedKeys(string memory name, uint256 n) internal pure returns (uint256[] memory keys) {
        keys = new uint256[](n);
        for (uint256 i; i < n; ++i) {
            uint256 key = uint256(keccak256(abi.encode(name, i)));
            uint256 j = i;
            for (; j != 0 && vm.addr(keys[j - 1]) > vm.addr(key); --j) {
                keys[j] = keys[j - 1];
            }
            keys[j] = key;
        }
    }

    function _addresses(uint256[] memory keys) internal pure returns (address[] memory list) {
        list = new address[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            list[i] = vm.addr(keys[i]);
        }
    }

    /// @dev Compact signatures of the first `count` keys over a digest.
    function _signatures(uint256[] memory keys, uint256 count, bytes32 digest)
        internal
        pure
        returns (Signature[] memory list)
    {
        list = new Signature[](count);
        for (uint256 i; i < count; ++i) {
            (list[i].r, list[i].vs) = vm.signCompact(keys[i], digest);
        }
    }

    /* MARKETS */

    function _postSpot(uint16 u, uint256 price) internal {
        (u == BTC ? btcFeed : ethFeed).post(int256(price));
    }

    /// @dev Quotes of every live expiry with a plain smile: about 57 % vol at the money, some skew.
    function _quotes(uint16 u) internal view returns (ExpiryQuote[] memory quotes) {
        uint40[] memory all = feeds.expiries(u);
        uint256 live;
        for (uint256 i; i < all.length; ++i) {
            if (all[i] == 0 || all[i] > block.timestamp) ++live;
        }
        quotes = new ExpiryQuote[](live);
        uint256 n;
        for (uint256 i; i < all.length; ++i) {
            if (all[i] == 0) {
                quotes[n++] = ExpiryQuote(0, perpetualRatio, 0, 0, 0, 0, 0, 0);
            } else if (all[i] > block.timestamp) {
                quotes[n++] = ExpiryQuote(
                    all[i], uint64(1.001e18 + n * 0.002e18), 0.001e18, 0.3e18, 0.1e18, -0.2e18, 0.01e18, 0.3e18
                );
            }
        }
    }

    function _update(uint16 u, ExpiryQuote[] memory quotes) internal {
        uint64 time = _nextSlot(u);
        Signature[] memory signed = _signatures(feedKeys, FEED_THRESHOLD, feeds.updateDigest(u, time, quotes));
        feeds.updateSurface(u, time, quotes, signed);
    }

    /// @dev The present slot; where that is taken, time passes until the next.
    function _nextSlot(uint16 u) internal returns (uint64 time) {
        uint256 now_ = vm.getBlockTimestamp();
        time = uint64(now_ - now_ % 60);
        if (time <= _lastUpdate[u]) time = _lastUpdate[u] + 60;
        if (time > now_) vm.warp(time);
        _lastUpdate[u] = time;
    }

    /// @dev Rounds of one price over the whole window before an expiry, back-dated; the first is in force at its start.
    function _postWindow(uint16 u, uint40 expiry, uint256 price) internal returns (uint80 first) {
        PriceFeedMock feed = u == BTC ? btcFeed : ethFeed;
        feed.postAt(int256(price), expiry - 1_800);
        (first,,,,) = feed.latestRoundData();
        feed.postAt(int256(price), expiry - 1_200);
        feed.postAt(int256(price), expiry - 600);
    }

    /// @dev Settles an expiry at `price`; the spot stays what it is.
    function _fixAt(uint16 u, uint40 expiry, uint256 price) internal {
        (, int256 spot,,,) = (u == BTC ? btcFeed : ethFeed).latestRoundData();
        uint80 first = _postWindow(u, expiry, price);
        _postSpot(u, uint256(spot));
        feeds.fixSettlement(u, expiry, first);
    }

    function _publish() internal {
        _update(BTC, _quotes(BTC));
        _update(ETH, _quotes(ETH));
    }

    /// @dev Time passes, spots move, surfaces are published anew; twelve seconds a block.
    function _advance(uint256 secs, uint256 btc, uint256 eth) internal {
        vm.warp(block.timestamp + secs);
        vm.roll(block.number + secs / 12 + 1);
        _postSpot(BTC, btc);
        _postSpot(ETH, eth);
        _publish();
    }

    /* CASH AND TRADES */

    function _deposit(bytes32 account, uint256 amount) internal {
        usdc.mint(address(this), amount);
        usdc.approve(address(treasury), amount);
        clearinghouse.deposit(account, amount);
    }

    function _depositSpot(Actor memory a, uint16 u, uint64 lots) internal {
        TokenMock token = u == BTC ? btcToken : ethToken;
        uint256 amount = uint256(lots) * 10 ** token.decimals() / 1000;
        token.mint(a.owner, amount);
        vm.startPrank(a.owner);
        token.approve(address(clearinghouse), amount);
        clearinghouse.depositSpot(a.account, u, lots);
        vm.stopPrank();
    }

    function _withdraw(Actor memory a, uint256 amount, MarginClaim memory claim) internal {
        vm.prank(a.owner);
        clearinghouse.withdraw(a.account, amount, a.owner, claim);
    }

    function _order(Actor memory a, uint128 id, int64 lots, uint64 limit) internal returns (Order memory) {
        return Order(a.account, id, lots, limit, ++_salt, uint64(block.timestamp + 1 hours), address(0));
    }

    function _sign(Actor memory a, Order memory order) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(a.key, clearinghouse.orderDigest(order));
        return abi.encodePacked(r, s, v);
    }

    function _noClaim() internal pure returns (MarginClaim memory none) {}

    function _trade(Actor memory buyer, Actor memory seller, uint128 id, uint64 lots, uint64 price) internal {
        _tradeClaiming(buyer, seller, id, lots, price, _noClaim());
    }

    /// @dev The buyer takes and presents the claim.
    function _tradeClaiming(
        Actor memory buyer,
        Actor memory seller,
        uint128 id,
        uint64 lots,
        uint64 price,
        MarginClaim memory claim
    ) internal {
        Order memory maker = _order(seller, id, -int64(lots), price);
        Order memory taker = _order(buyer, id, int64(lots), price);
        _execute(maker, _sign(seller, maker), taker, _sign(buyer, taker), lots, claim);
    }

    /// @dev The seller takes and presents the claim.
    function _sellClaiming(
        Actor memory seller,
        Actor memory buyer,
        uint128 id,
        uint64 lots,
        uint64 price,
        MarginClaim memory claim
    ) internal {
        Order memory maker = _order(buyer, id, int64(lots), price);
        Order memory taker = _order(seller, id, -int64(lots), price);
        _execute(maker, _sign(buyer, maker), taker, _sign(seller, taker), lots, claim);
    }

    function _execute(
        Order memory maker,
        bytes memory makerSignature,
        Order memory taker,
        bytes memory takerSignature,
        uint64 lots,
        MarginClaim memory takerClaim
    ) internal {
        clearinghouse.trade(maker, makerSignature, taker, takerSignature, lots, _noClaim(), takerClaim);
    }

    /// @dev Trades at the present mark.
    function _tradeAtMark(Actor memory buyer, Actor memory seller, uint128 id, uint64 lots) internal {
        _trade(buyer, seller, id, lots, engine.markOf(id));
    }

    function _cash(bytes32 account) internal view returns (int256) {
        return clearinghouse.accountState(account).cash;
    }

    function _lots(bytes32 account, uint128 id) internal view returns (int64) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].instrument == id) return legs[i].lots;
        }
        return 0;
    }

    /* HEALTH */

    function _health(bytes32 account) internal view returns (IMarginLens.HealthView memory) {
        return lens.health(account, engine.gridMask());
    }

    function _equity(bytes32 account) internal view returns (int256) {
        return lens.health(account, 0).equity;
    }

    /* ATTESTATIONS */

    /// @dev Rolls to the second block of a new epoch and returns the epoch.
    function _newEpoch() internal returns (uint64 epoch) {
        epoch = uint64(block.number / EPOCH_BLOCKS) + 1;
        vm.roll(uint256(epoch) * EPOCH_BLOCKS + 1);
    }

    function _leaf(uint64 epoch, bytes32 account, uint128 initial, uint128 maintenance)
        internal
        view
        returns (MarginLeaf memory)
    {
        bytes32 positions = oracle.positionsHash(2, clearinghouse.legsOf(account));
        return MarginLeaf(epoch, account, positions, initial, maintenance, 0);
    }

    function _attestation(uint64 epoch, bytes32 root, uint256 leaves) internal view returns (MarginAttestation memory) {
        uint64 refBlock = epoch * EPOCH_BLOCKS;
        return MarginAttestation({
            configDigest: oracle.configOf(epoch),
            epoch: epoch,
            refBlock: refBlock,
            refTime: uint64(block.timestamp - 12),
            leafCount: uint32(leaves),
            refBlockHash: blockhash(refBlock),
            modelHash: oracle.modelOf(epoch),
            marginRoot: root,
            bundleHash: keccak256("bundle")
        });
    }

    function _submit(MarginAttestation memory a) internal {
        oracle.submit(a, _signatures(marginKeys, MARGIN_THRESHOLD, oracle.attestationDigest(a)));
    }

    /// @dev Attests these leaves; the caller has rolled to their epoch.
    function _attest(MarginLeaf[] memory leaves) internal {
        _submit(_attestation(leaves[0].epoch, Merkle.root(_hashes(leaves)), leaves.length));
    }

    function _hashes(MarginLeaf[] memory leaves) internal view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](leaves.length);
        for (uint256 i; i < leaves.length; ++i) {
            hashes[i] = oracle.leafHash(leaves[i]);
        }
    }

    function _claim(MarginLeaf[] memory leaves, uint256 i) internal view returns (MarginClaim memory) {
        bytes32[] memory hashes = _hashes(leaves);
        MarginLeaf memory l = leaves[i];
        // A copy, so that a test that tampers with the claim leaves the tree's own leaf alone.
        MarginLeaf memory copy =
            MarginLeaf(l.epoch, l.account, l.positionsHash, l.initialMargin, l.maintenanceMargin, l.worstScenario);
        return MarginClaim(copy, Merkle.proof(hashes, hashes[i]), clearinghouse.legsOf(l.account));
    }

    /// @dev A leaf for one account beside two others, attested.
    function _attestedClaim(bytes32 account, uint128 initial, uint128 maintenance)
        internal
        returns (MarginClaim memory)
    {
        uint64 epoch = _newEpoch();
        MarginLeaf[] memory leaves = new MarginLeaf[](3);
        leaves[0] = _leaf(epoch, account, initial, maintenance);
        leaves[1] = _leaf(epoch, _account(address(0xa11), 1), 1e6, 1e6);
        leaves[2] = _leaf(epoch, _account(address(0xb0b), 1), 2e6, 2e6);
        _attest(leaves);
        return _claim(leaves, 0);
    }

    /// @dev What the clearinghouse asks the oracle.
    function _useMargin(MarginRequest memory request, MarginClaim memory claim)
        internal
        returns (int256 value, int256 exitValue, uint256 required)
    {
        vm.prank(address(clearinghouse));
        IMarginOracle.Permission memory permission = oracle.useInitialMargin(request, claim);
        return (permission.value, permission.exitValue, permission.required);
    }

    /* LIQUIDATION */

    function _flag(bytes32 account, uint8 scenario) internal {
        vm.prank(flagger.owner);
        auction.flag(account, scenario);
    }

    /// @dev Flags, and lets the account's grace pass: the line is at its beginning.
    function _flagAndWait(bytes32 account, uint8 scenario) internal {
        _flag(account, scenario);
        vm.warp(auction.auction(account).startedAt);
    }

    /// @dev The test itself pays into the fund.
    function _insure(uint256 amount) internal {
        usdc.mint(address(this), amount);
        usdc.approve(address(fund), amount);
        fund.deposit(amount, address(this));
    }

    function _bid(Actor memory buyer, bytes32 account, uint256 fraction) internal returns (uint256) {
        vm.prank(buyer.owner);
        return auction.bid(account, buyer.account, fraction, type(int256).min, uint64(block.timestamp));
    }
}
