// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IMarketFeeds} from "../../src/interfaces/IMarketFeeds.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {ExpiryQuote, Leg, StoredQuote} from "../../src/types/Types.sol";
import {Model} from "../support/Model.sol";
import {RandomBooks} from "../support/RandomBooks.sol";
import {Vm} from "../support/Vm.sol";

/// @title What every invariant suite stands on
/// @notice People with little margin at the model's own limits, a ledger of every account, and a note of the first promise that an act
/// saw broken. An act is an external function of one random word: it reverts, or it is counted as done.
abstract contract Stage is RandomBooks {
    /// @dev As forge reads it from `targetSelectors()`.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    bytes32[] internal ledger;
    mapping(bytes32 account => bool) private _known;
    mapping(bytes4 act => uint256) internal done;
    uint256 internal acts;
    int256 internal paidIn;
    uint256 internal settledLegs;
    mapping(uint16 underlying => uint256 worlds) internal confirmed;
    string internal broken;
    address internal constant PAYEE = address(0xca54);

    /// @dev Counts, keeps the accounts that came into being, and looks at what the act did to everybody.
    modifier act() {
        // An act that reverted may have left its disguise on.
        vm.stopPrank();
        vm.recordLogs();
        _before();
        _;
        _enlistNew();
        _readLogs();
        _after();
        ++done[msg.sig];
        ++acts;
    }

    function setUp() public virtual override {
        super.setUp();
        _know(flagger.account);
        _know(auction.backstopAccount());
        _know(_account(address(this), 0));
        _pay(alice.account, 15_000e6);
        _pay(bob.account, 15_000e6);
        _pay(carol.account, 15_000e6);
        _pay(dealer.account, 3_000_000e6);
        _insure(2_000e6);
        paidIn += 2_000e6;
        // Near their margins from the start: a pair long and short, and a seller of options.
        _tradeAtMark(alice, bob, _perpetual(BTC), 800);
        _tradeAtMark(alice, bob, _perpetual(ETH), 6_000);
        _tradeAtMark(dealer, carol, _call(BTC, FAR, _strike(BTC, 2)), 600);
        _tradeAtMark(dealer, carol, _put(ETH, NEAR, _strike(ETH, 2)), 3_000);
        _know(alice.account);
        vm.recordLogs();
    }

    /// @dev The model's own limits, so that feed keys are held to them.
    function _limits(uint256 row) internal pure virtual override returns (SpeedLib.Limits memory) {
        return Model.limits()[row];
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(this);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(this), _acts());
    }

    /// @dev What the fuzzer may call.
    function _acts() internal view virtual returns (bytes4[] memory);

    function _before() internal virtual {}

    function _after() internal virtual {}

    /* PEOPLE */

    /// @dev The last is the whale, whom nobody flags.
    function _who(uint256 i) internal view returns (Actor memory) {
        i = i % 4;
        return i == 0 ? alice : i == 1 ? bob : i == 2 ? carol : dealer;
    }

    function _pay(bytes32 account, uint256 amount) internal {
        _know(account);
        _deposit(account, amount);
        paidIn += int256(amount);
    }

    function _know(bytes32 account) internal {
        if (_known[account]) return;
        _known[account] = true;
        ledger.push(account);
    }

    function _enlistNew() private {
        uint256 n = clearinghouse.accountCount();
        for (uint256 i = n > 3 ? n - 3 : 0; i < n; ++i) {
            _know(clearinghouse.accountAt(i));
        }
    }

    function _readLogs() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IClearinghouse.Settled.selector) ++settledLegs;
            if (logs[i].topics[0] == IMarketFeeds.WorldConfirmed.selector) {
                ++confirmed[uint16(uint256(logs[i].topics[1]))];
            }
        }
    }

    /* MARKETS */

    /// @dev Time passes, spots come in anew, and marks are signed again as they stand, where the limits let them.
    function _pass(uint256 secs, uint256 btc, uint256 eth) internal {
        vm.warp(vm.getBlockTimestamp() + secs);
        vm.roll(block.number + secs / 12 + 1);
        _postSpot(BTC, btc);
        _postSpot(ETH, eth);
        for (uint16 u = BTC; u <= ETH; ++u) {
            try this.repeatMarks(u) {} catch {}
        }
    }

    function repeatMarks(uint16 u) external {
        _update(u, _present(u, 0));
    }

    /// @dev What stands in a world, as an update of the live expiries.
    function _present(uint16 u, uint256 world) internal view returns (ExpiryQuote[] memory q) {
        q = _quotes(u);
        for (uint256 i; i < q.length; ++i) {
            (StoredQuote memory s,) = feeds.market(u, q[i].expiry, world);
            q[i] = ExpiryQuote(q[i].expiry, s.ratio, s.confidence, s.a, s.b, s.rho, s.m, s.sigma);
        }
    }

    function _spotOf(uint16 u) internal view returns (uint256 price) {
        (price,,,) = spots.reading(u);
    }

    /* HEALTH */

    function _equityIn(bytes32 account, uint256 world) internal view returns (int256) {
        int256 cash = clearinghouse.netCash(account);
        Leg[] memory legs = clearinghouse.legsOf(account);
        if (legs.length == 0) return cash;
        return cash + engine.assess(legs, 0, world).value;
    }

    /// @dev What the account would leave to others in its worst world.
    function _deficit(bytes32 account) internal view returns (int256 most) {
        uint256 worlds = engine.worldCount(clearinghouse.legsOf(account));
        for (uint256 w; w < worlds || w == 0; ++w) {
            int256 equity = _equityIn(account, w);
            if (-equity > most) most = -equity;
        }
    }

    /// @dev Below its whole-grid requirement in every world.
    function _isUnhealthy(bytes32 account) internal view returns (bool) {
        if (clearinghouse.legsOf(account).length == 0) return false;
        int256[] memory surplus = auction.surplusOf(account);
        for (uint256 w; w < surplus.length; ++w) {
            if (surplus[w] >= 0) return false;
        }
        return true;
    }

    function _isLocked(bytes32 account) internal view returns (bool) {
        return clearinghouse.accountState(account).locked;
    }

    /// @dev Somebody flagged, or a book of the Backstop; 0 where there is none.
    function _someLocked(uint256 word) internal view returns (bytes32) {
        uint256 n = ledger.length;
        for (uint256 i; i < n; ++i) {
            bytes32 account = ledger[(i + word % n) % n];
            if (_isLocked(account)) return account;
        }
        return 0;
    }

    /* PROMISES */

    /// @dev Reverts inside an act are only counted, so a broken promise is written down.
    function _hold(bool kept, string memory promised) internal {
        if (!kept && bytes(broken).length == 0) broken = promised;
    }

    function _requireKept() internal view {
        assertTrue(bytes(broken).length == 0, broken);
    }

    /// @dev A run in which little happened shows nothing.
    function _requireBusy(uint256 least) internal view {
        assertLe(least, acts, "too few acts succeeded");
    }
}
