# Runs two scripts of one server on a Group Policy object, as windows_firewall_engine.ps1 does on the server itself: the
# first has a lock-down and rules of Windows' own, the second has lost both. With the cmdlets of Windows Server 2019, and
# with those of 2022, whose Remove-NetFirewallRule knows no session. Writes a line for each check.
param ([string] $First, [string] $Second)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$one = Get-Block -Path $First
$two = Get-Block -Path $Second
$folder = Split-Path -Path $First
$gpo = 'contoso.example\hci'
$smb = 'FPS-SMB-In-TCP'
$udp = 'FailoverClustering-NetFt-UDP-In'
$memory = 'hcipolc-prod-memory'
$more = @{ PolicyStore = $gpo; DomainController = 'dc1' }
$text = 'With outbound traffic blocked a server of this Group Policy object could not reach:'
$end = 'Nothing was changed; -AllowLockOut does it all the same.'

# A rule of somebody else in the object.
function Add-Theirs {
    param ([hashtable] $Rule)
    New-NetFirewallRule -PolicyStore $gpo -DisplayName 'x' -Direction 'Outbound' @Rule
}
function Start-Object {
    param ([switch] $Reachable)
    Start-Machine
    Add-Object -Name $gpo
    Set-Address -Name 'contoso.example' -Address @('10.0.7.4', 'fd00:7::4')
    if ($Reachable) {
        Add-WindowsRule @{ Name = 'CoreNet-GP-LSASS-Out-TCP'; Protocol = 'TCP'; Program = '%SystemRoot%\system32\lsass.exe'; RemoteAddress = @('10.0.7.0/24') } $gpo
        Add-WindowsRule @{ Name = 'CoreNet-GP-Out-TCP'; Protocol = 'TCP'; Program = '%SystemRoot%\system32\svchost.exe'; Service = 'gpsvc' } $gpo
        Add-WindowsRule @{ Name = 'CoreNet-GP-NP-Out-TCP'; Protocol = 'TCP'; RemotePort = '445'; Program = 'System' } $gpo
        Add-Theirs @{ Name = 'locator'; Group = 'Others'; Protocol = 'UDP'; RemotePort = @('389'); RemoteAddress = @('10.0.7.4') }
    }
    Reset-Fault
}
function Get-Outbound { @('Domain', 'Private', 'Public' | ForEach-Object { (Get-Machine).Objects[$gpo][$_]['DefaultOutboundAction'] }) -join ' ' }
function Get-Copy { param ([string] $Name) $rule = (Get-Machine).Stores[$gpo][$Name]; if ($null -ne $rule) { "$($rule.Enabled) $($rule.Program) $($rule.LocalPort) $($rule.RemoteAddress) $($rule.Group)" } }
# What is there beside the object.
function Get-Rest { $copy = Copy-Machine; $copy.Stores.Remove($gpo); $copy.Objects.Remove($gpo); $copy.Remove('Sessions'); ConvertTo-Sorted -Value $copy }

foreach ($old in @($true, $false)) {
    $remove = @{ Name = 'Remove-NetFirewallRule'; There = $true }
    Set-Program @remove
    if ($old) {
        $global:machine = { Get-Machine }
        function global:Remove-NetFirewallRule {
            [CmdletBinding()] param ([string] $Name, [string] $PolicyStore, [string] $GPOSession)
            try {
                Use-Call -Command 'Remove-NetFirewallRule' -Subject $Name
                $rules = (& $global:machine).Sessions[$GPOSession].Rules
                if (-not $rules.Contains($Name)) { throw "There is no rule $Name" }
                $rules.Remove($Name)
            }
            catch { Write-Error -Message "$_" }
        }
    }

    # ---- rules alone ----
    Start-Object
    $rest = Get-Rest
    $empty = ConvertTo-MachineText
    Test-Equal -What 'Apply to a Group Policy' -Is (Find $two 'Apply' $more) -Should 'cluster-in: Created; dns-out: Created; no-rdp-in: Created; ping-in: Created; smb-in: Created; tag-out: Created'
    Test-Equal -What 'is one session' -Is (@(Get-CallText | Where-Object { $_ -match 'GPO' }) -join '; ') -Should "Open-NetGPO $gpo dc1; Save-NetGPO session-1"
    Test-Equal -What 'and is saved' -Is "$((Get-Machine).Stores[$gpo].Count)" -Should 6
    Test-Equal -What 'with nothing beside it' -Is (Get-Rest) -Should $rest
    Test-Equal -What 'Verify of it' -Is (Find $two 'Verify' $more) -Should ''
    Reset-Fault
    Test-Equal -What 'again' -Is "$(Find $two 'Apply' $more)$(Get-Change)" -Should ''
    ((Get-Machine).Stores[$gpo].Values | Where-Object { $_.Name -like '*smb*' })['LocalPort'] = '446'
    Test-Equal -What 'a rule that was edited there' -Is (Find $two 'Apply' $more) -Should 'smb-in: Restored'
    Test-Equal -What 'is right again' -Is (Find $two 'Verify' $more) -Should ''
    # Rules of the cluster's other servers are called alike.
    $elsewhere = Edit-Block $two '10\.0\.0\.11' '10.0.0.12'
    $other = 'The object has the rules of another server, or of this one before it got new addresses: they are for 10.0.0.11.'
    foreach ($mode in 'Apply', 'Remove') { Test-Equal -What "$mode of another server's script" -Is $(try { & $elsewhere @more -Mode $mode } catch { "$_" }) -Should "$other Nothing was changed; -Force does it all the same." }
    Test-Equal -What 'changes nothing' -Is (Find $two 'Verify' $more) -Should ''
    Test-Equal -What 'Verify of it warns' -Is (@(Get-Warning $elsewhere ($more + @{ Mode = 'Verify' })) -like 'The object*') -Should $other
    Test-Equal -What 'and by force it is done' -Is ((Find $elsewhere 'Apply' $more) -like '*smb-in: Restored*') -Should 'True'
    # Rules of IPsec in the object, whose filters are listed with the others.
    (Get-Machine)['IPsec'] = @('{connection-security}')
    Test-Equal -What 'rules of IPsec are no other version' -Is ((Find $two 'Apply' $more) -like '*smb-in: Restored*') -Should 'True'
    $null = Find $two 'Remove' $more
    (Get-Machine).Remove('IPsec')
    Test-Equal -What 'Remove from it' -Is (ConvertTo-MachineText) -Should $empty

    # ---- the guard: what is in the object alone counts ----
    Start-Object
    $dc = @('10.0.7.4', 'fd00:7::4' | ForEach-Object { $address = $_; 'TCP/88', 'TCP/389', 'UDP/389', 'TCP/135', 'TCP/445' | ForEach-Object { "domain controller $address $_" } }) -join ', '
    Test-Equal -What 'a lock-down without a way to a domain controller' -Is (Find $one 'Apply' $more) -Should "! $text $dc. $end"
    Test-Equal -What 'changes nothing' -Is (Get-Change) -Should ''
    Set-Address -Name 'contoso.example' -Address @()
    Test-Equal -What 'of which none is known' -Is (Find $one 'Apply' $more) -Should "! $text the domain controllers (none was found). $end"
    $warned = @(Get-Warning $one ($more + @{ Mode = 'Apply'; WhatIf = $true; AllowLockOut = $true }))
    Test-Equal -What 'is warned of, and which computers it is for' -Is $warned -Should @("Every computer that $gpo is linked to will block outbound traffic.", "$text the domain controllers (none was found).", 'TCP 3389 (Remote Desktop): rules of this run block it from Any. Sessions from there may be cut.')
    Start-Object -Reachable
    Add-Theirs @{ Name = 'block'; Action = 'Block'; Protocol = 'TCP'; RemotePort = @('80-100') }
    Test-Equal -What 'a block rule in the way' -Is ((Find $one 'Apply' $more) -like "! $text domain controller 10.0.7.4 TCP/88, *") -Should 'True'
    (Get-Machine).Stores[$gpo]['block']['RemotePort'] = '53'
    (Get-Machine).Stores[$gpo]['block']['Protocol'] = 'UDP'
    Test-Equal -What 'of every name server' -Is (Find $one 'Apply' $more) -Should "! $text a name server at any address UDP/53. $end"
    (Get-Machine).Stores[$gpo]['block']['RemoteAddress'] = '198.51.100.53'
    Test-Equal -What 'of some name server' -Is ((Find $one 'Apply' ($more + @{ WhatIf = $true })) -like '!*') -Should 'False'
    (Get-Machine).Stores[$gpo]['CoreNet-GP-LSASS-Out-TCP']['Program'] = 'C:\Agents\lsass.exe'
    Test-Equal -What 'a rule for one program of somebody else does not count' -Is ((Find $one 'Apply' $more) -like "! $text domain controller*") -Should 'True'

    # ---- everything ----
    Start-Object -Reachable
    $before = ConvertTo-MachineText
    $rest = Get-Rest
    $rules = 'dns-out', 'no-rdp-in', 'ping-in', 'tag-out'
    $profiles = 'Domain', 'Private', 'Public'
    $verified = @($rules | ForEach-Object { "${_}: Missing" }) + @($profiles | ForEach-Object { "Outbound ${_}: Changed: DefaultOutboundAction" }) + @($smb, $udp | ForEach-Object { "Built-in ${_}: Absent" })
    Test-Equal -What 'Verify of an object without them' -Is (Find $one 'Verify' $more) -Should (@($verified | Sort-Object) -join '; ')
    Test-Equal -What 'WhatIf' -Is "$(Find $one 'Apply' ($more + @{ WhatIf = $true }))$(Get-Change)" -Should ''
    Reset-Fault
    $applied = @($rules | ForEach-Object { "${_}: Created" }) + @($profiles | ForEach-Object { "Outbound ${_}: Set to Block" }) + @($smb, $udp | ForEach-Object { "Built-in ${_}: Set to True" })
    Test-Equal -What 'Apply' -Is (Find $one 'Apply' $more) -Should (@($applied | Sort-Object) -join '; ')
    Test-Equal -What 'in one session' -Is (@(Get-CallText | Where-Object { $_ -match 'GPO' }) -join '; ') -Should "Open-NetGPO $gpo dc1; Save-NetGPO session-1"
    Test-Equal -What 'blocks' -Is (Get-Outbound) -Should 'Block Block Block'
    Test-Equal -What 'has copies of the server''s own rules' -Is "$(Get-Copy $smb), $(Get-Copy $udp)" -Should 'True System 445 Any @FirewallAPI.dll,-1, True System 3343 Any @FirewallAPI.dll,-1'
    Test-Equal -What 'knows what it was, in a rule that acts on nothing' -Is "$((Get-Machine).Stores[$gpo][$memory].Enabled) $((Get-Machine).Stores[$gpo][$memory].Description)" -Should (
        "False Built-in $udp=Absent; Built-in $smb=Absent; Outbound Domain=NotConfigured; Outbound Private=NotConfigured; Outbound Public=NotConfigured")
    Test-Equal -What 'changes nothing beside the object' -Is (Get-Rest) -Should $rest
    Test-Equal -What 'and is what Verify wants' -Is "$(Find $one 'Verify' $more)$(@(Get-Warning $one ($more + @{ Mode = 'Verify' })))" -Should ''
    Reset-Fault
    Test-Equal -What 'a second time it changes nothing' -Is "$(Find $one 'Apply' $more)$(Get-Change)" -Should ''

    # What somebody edited there.
    $all = ConvertTo-MachineText
    (Get-Machine).Objects[$gpo]['Private']['DefaultOutboundAction'] = 'Allow'
    (Get-Machine).Stores[$gpo][$smb]['Enabled'] = 'False'
    (Get-Machine).Stores[$gpo].Remove($udp)
    Test-Equal -What 'Verify after edits' -Is (Find $one 'Verify' $more) -Should "Built-in ${udp}: Absent; Built-in ${smb}: Disabled; Outbound Private: Changed: DefaultOutboundAction"
    $edited = ConvertTo-MachineText
    for ($k = 1; $k -le 80; $k++) {
        Reset-Fault -At $k
        $said = Find $one 'Apply' $more
        $count = @(Get-CallText).Count
        (Get-Machine).Remove('Sessions')
        if ($k -gt $count) { break }
        if ($said -notlike '!*' -or (ConvertTo-MachineText) -join '' -cne ($edited -join '')) { "not ok call $k of a session: $said" }
    }
    Reset-Fault
    Test-Equal -What 'Apply after edits, in which every call has failed before' -Is $said -Should "Built-in ${udp}: Set to True; Built-in ${smb}: Set to True; Outbound Private: Set to Block"
    Test-Equal -What 'mends them' -Is (ConvertTo-MachineText) -Should $all

    # A session that cannot be saved.
    Start-Object -Reachable
    $before = ConvertTo-MachineText
    Reset-Fault -Always 'Save-NetGPO'
    Test-Equal -What 'a session that is not saved' -Is (Find $one 'Apply' $more) -Should '! Save-NetGPO is broken'
    (Get-Machine).Remove('Sessions')
    Test-Equal -What 'changes nothing in the object' -Is (ConvertTo-MachineText) -Should $before
    $warned = [System.Collections.Generic.List[string]]::new()
    try { & $one @more -Mode Apply 3>&1 | Where-Object { $_ -is [System.Management.Automation.WarningRecord] } | ForEach-Object { $warned.Add("$_") } } catch { $warned.Add("! $_") }
    Test-Equal -What 'and says so' -Is ($warned[-2..-1] -join '; ') -Should 'Saving failed: it is not known whether the object has changed. Run Verify.; ! Save-NetGPO is broken'
    (Get-Machine).Remove('Sessions')
    Reset-Fault -Always 'Set-NetFirewallProfile'
    Test-Equal -What 'one that fails before' -Is (@(Get-Warning $one ($more + @{ Mode = 'Verify' })).Count) -Should 0
    $warned = [System.Collections.Generic.List[string]]::new()
    try { & $one @more -Mode Apply 3>&1 | Where-Object { $_ -is [System.Management.Automation.WarningRecord] } | ForEach-Object { $warned.Add("$_") } } catch { $warned.Add("! $_") }
    Test-Equal -What 'has changed nothing' -Is ($warned[-2..-1] -join '; ') -Should 'Nothing of the session was saved: the object is as it was.; ! Set-NetFirewallProfile is broken'
    (Get-Machine).Remove('Sessions')
    Reset-Fault
    $null = Find $one 'Apply' $more
    Reset-Fault
    $null = Find $one 'Remove' $more
    $calls = @(Get-CallText)
    Test-Equal -What 'rules are listed once in a session, which is closed' -Is "$(@($calls -like 'Enumerate*').Count) $(@($calls -like 'Open-CimSession').Count) $(Get-ClosedCount)" -Should @('1 1 1', '0 0 0')[$old]
    $null = Find $one 'Apply' $more
    Test-Equal -What 'and the same is there' -Is (ConvertTo-MachineText) -Should $all

    # A domain controller that has not heard of it yet.
    Reset-Fault
    foreach ($case in @(@('nothing', 'Remove'), @('other addresses', 'Remove'), @('more', 'Apply'))) {
        $replica = Copy-Value -Value (Get-Machine).Stores[$gpo]
        if ($case[0] -eq 'nothing') { $replica.Clear() }
        if ($case[0] -eq 'other addresses') { foreach ($key in @($replica.Keys -like '*ping-in*')) { $replica[$key]['RemoteAddress'] = @('10.9.9.9') } }
        if ($case[0] -eq 'more') { $replica['more'] = Copy-Value -Value @((Get-Machine).Stores[$gpo].Values)[0]; $replica['more']['Name'] = 'more' }
        (Get-Machine)['Replica'] = @{ dc1 = $replica }
        Test-Equal -What "a domain controller with $($case[0])" -Is "$(Find $one $case[1] $more)$(Get-Change)" -Should (
            '! The domain controller has another version of the Group Policy object than was read here. Wait until it has been replicated, then run this again.')
        Reset-Fault
    }
    $there = (Get-Machine).Stores[$gpo]
    (Get-Machine)['Replica'] = @{ dc1 = $there }; (Get-Machine).Stores[$gpo] = [ordered] @{}
    Test-Equal -What 'one that has it, when it was not read here' -Is ((Find $one 'Remove' $more) -like '! The domain controller has another version*') -Should 'True'
    (Get-Machine).Stores[$gpo] = $there
    (Get-Machine).Remove('Replica'); (Get-Machine).Remove('Sessions')
    Reset-Fault
    # The server's own keywords are none of the object's.
    Reset-Fault -Always 'Get-NetFirewallDynamicKeywordAddress'
    Test-Equal -What 'keywords of the server are not asked for' -Is (Find $one 'Verify' $more) -Should ''
    Reset-Fault

    # A backup, another policy, and back.
    $file = Join-Path $folder "object-$old.json"
    Test-Equal -What 'Backup' -Is ((Find $one 'Backup' ($more + @{ BackupPath = $file })) -like '*: Written') -Should 'True'
    $changed = @('cluster-in', 'smb-in' | ForEach-Object { "${_}: Created" }) + 'tag-out: Updated' + @($profiles | ForEach-Object { "Outbound ${_}: Set to NotConfigured" }) + @($smb, $udp | ForEach-Object { "Built-in ${_}: Set to Absent" })
    Test-Equal -What 'Apply of a policy without them' -Is (Find $two 'Apply' $more) -Should (@($changed | Sort-Object) -join '; ')
    Test-Equal -What 'opens' -Is "$(Get-Outbound) $(Get-Copy $smb)$(Get-Copy $udp)$(Get-Copy $memory)" -Should 'NotConfigured NotConfigured NotConfigured '
    Test-Equal -What 'Restore' -Is ((Find $one 'Restore' ($more + @{ BackupPath = $file })) -like '!*') -Should 'False'
    Test-Equal -What 'has everything back' -Is (ConvertTo-MachineText) -Should $all
    Test-Equal -What 'Restore of another object''s' -Is ((Find $one 'Restore' @{ BackupPath = $file }) -like '! Nothing was changed: this is no backup of these rules, its PolicyStore*') -Should 'True'
    $null = Find $one 'Remove' $more
    Test-Equal -What 'Remove leaves the object as it was' -Is (ConvertTo-MachineText) -Should $before

    # What was there before comes back.
    Start-Object -Reachable
    (Get-Machine).Objects[$gpo]['Domain']['DefaultOutboundAction'] = 'Allow'
    (Get-Machine).Objects[$gpo]['Public']['DefaultOutboundAction'] = 'Block'
    Add-Theirs @{ Name = $smb; Group = '@FirewallAPI.dll,-1'; Protocol = 'TCP'; LocalPort = @('445'); Program = 'their.exe'; Enabled = 'False' }
    (Get-Machine).Stores[$gpo][$smb]['Direction'] = 'Inbound'
    $before = ConvertTo-MachineText
    $null = Find $one 'Apply' $more
    Test-Equal -What 'a copy that was there is enabled' -Is "$(Get-Copy $smb) $(Get-Outbound)" -Should 'True their.exe 445 Any @FirewallAPI.dll,-1 Block Block Block'
    # Of which one profile goes on blocking.
    Test-Equal -What 'Remove says what it takes away' -Is (Find $one 'Remove' $more) -Should "! $text a name server at any address UDP/53. $end"
    $null = Find $one 'Remove' ($more + @{ AllowLockOut = $true })
    Test-Equal -What 'and is as it was after Remove' -Is (ConvertTo-MachineText) -Should $before

    # ---- rules of Windows' own that cannot be copied ----
    foreach ($case in @(@('RemoteAddress', 'LocalSubnet', 'RemoteAddress has LocalSubnet and lacks Any'), @('Profile', 'Domain', 'Profile is Domain, should be Any'))) {
        Start-Object -Reachable
        (Get-Machine).Stores['PersistentStore'][$smb][$case[0]] = $case[1]
        Test-Equal -What "a rule to copy with another $($case[0])" -Is "$(Find $one 'Apply' $more)$(Get-Change)" -Should "! Nothing was changed: the policy counts on rules of Windows' own. Built-in ${smb}: Unsuitable $($case[2])"
    }
    Start-Object -Reachable
    (Get-Machine).Stores['PersistentStore'].Remove($smb)
    Test-Equal -What 'no rule to copy' -Is "$(Find $one 'Apply' $more)$(Get-Change)" -Should "! Nothing was changed: the policy counts on rules of Windows' own. Built-in ${smb}: Missing This machine does not have this rule: is its feature installed?"
    $null = Find $one 'Remove' $more
    Test-Equal -What 'Restore on a machine that has none' -Is "$(Find $one 'Restore' ($more + @{ BackupPath = $file }))" -Should "! This machine does not have the rule $smb to copy."
}
Set-Program -Name 'Remove-NetFirewallRule' -There $true
'done'
